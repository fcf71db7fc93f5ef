import { deb } from "./deb/index.ts";
import type { Ecosystem } from "./ecosystem.ts";
import { go } from "./go/index.ts";
import { npm } from "./npm/index.ts";
import { pypi } from "./pypi/index.ts";

/** Every ecosystem the guard reads. The only list: a folder here, a line here. */
export const ecosystems: readonly Ecosystem[] = [npm, pypi, deb, go];
