import type { Ecosystem } from "./ecosystem.ts";
import { npm } from "./npm/index.ts";

/** Every ecosystem the guard reads. The only list: a folder here, a line here. */
export const ecosystems: readonly Ecosystem[] = [npm];
