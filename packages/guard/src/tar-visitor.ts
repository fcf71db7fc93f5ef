import { cleanPath } from "@flotilla/oci/tar/header";
import type { BodySink, TarEntry, TarVisitor } from "@flotilla/oci/tar/read";
import type { Collector, OpenFile } from "./collector.ts";

/** Hands the entries of a tar to `collector`. */
export function tarVisitor(collector: Collector): TarVisitor {
  return (entry) => {
    const file = openEntry(collector, entry);
    return file === undefined ? undefined : sinkOf(file);
  };
}

/** Longer paths cannot be made on Linux (PATH_MAX), so no image needs them. */
const MAX_PATH_LENGTH = 4096;

/** Announces one entry; a file whose body somebody wants is returned. */
export function openEntry(collector: Collector, entry: TarEntry): OpenFile | undefined {
  if (entry.path === "" || entry.kind === "directory") return undefined;
  if (entry.path.length > MAX_PATH_LENGTH) {
    collector.problem(entry.path.slice(0, 200), `too-long: a path of ${entry.path.length} characters; not read`);
    return undefined;
  }
  if (entry.kind === "file") {
    collector.seen(entry.path);
    return collector.file(entry.path, entry.sizeBytes);
  }
  if (entry.kind === "hardlink") collector.link(entry.path, cleanPath(entry.linkName));
  else collector.other(entry.path);
  return undefined;
}

function sinkOf(file: OpenFile): BodySink {
  let at = 0;
  let next = 0;
  return {
    write(chunk) {
      const end = at + chunk.length;
      if (next < end) {
        const from = Math.max(next, at);
        next = file.write(Buffer.from(chunk.buffer, chunk.byteOffset + from - at, end - from), from);
      }
      at = end;
    },
    end: () => file.end(),
  };
}
