import type { Ecosystem } from "../ecosystem.ts";
import { installedExtractor } from "./installed.ts";
import { requirementsExtractor } from "./requirements.ts";

/** PyPI: pinned requirements files and installed distributions. */
export const pypi: Ecosystem = { id: "pypi", os: false, extractors: [requirementsExtractor, installedExtractor] };
