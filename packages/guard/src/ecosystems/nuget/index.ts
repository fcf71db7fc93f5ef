import type { Ecosystem } from "../ecosystem.ts";
import { configExtractor } from "./config.ts";
import { depsExtractor } from "./deps.ts";
import { lockExtractor } from "./lock.ts";

/** NuGet: locks, `packages.config`, published .NET programs. */
export const nuget: Ecosystem = { id: "nuget", os: false, extractors: [lockExtractor, configExtractor, depsExtractor] };
