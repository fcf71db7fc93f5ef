import type { Ecosystem } from "../ecosystem.ts";
import { databaseExtractor, journalExtractor } from "./database.ts";

/** Packages of Red Hat, Alma, Rocky, Fedora, SUSE and others, by rpm's own database in each of its three forms. */
export const rpm: Ecosystem = { id: "rpm", os: true, extractors: [databaseExtractor, journalExtractor] };
