import type { Ecosystem } from "../ecosystem.ts";
import { condaPipExtractor } from "./conda-pip.ts";
import { installedExtractor } from "./installed.ts";
import { pipfileExtractor } from "./pipfile.ts";
import { requirementsExtractor } from "./requirements.ts";
import { pdmExtractor, poetryExtractor, pylockExtractor } from "./toml-locks.ts";
import { uvExtractor } from "./uv.ts";

/** PyPI: pinned requirements, the locks of Pipenv, Poetry, PDM, uv and PEP 751, and installed distributions. */
export const pypi: Ecosystem = {
  id: "pypi",
  os: false,
  extractors: [
    requirementsExtractor,
    pipfileExtractor,
    poetryExtractor,
    pdmExtractor,
    uvExtractor,
    pylockExtractor,
    condaPipExtractor,
    installedExtractor,
  ],
};
