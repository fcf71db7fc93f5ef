import { posix } from "node:path";
import type { Service } from "@flotilla/compose/app";
import { tarOf } from "@flotilla/oci/tar/write";
import type { ContainerSpec } from "../ports.ts";
import type { EngineHttp } from "./http.ts";

type File = ContainerSpec["files"][number];

/** Copies files into a container that has not started. Folders that are missing are made by the engine. */
export async function copyIn(
  http: EngineHttp,
  container: string,
  files: readonly File[],
  signal?: AbortSignal,
): Promise<void> {
  if (files.length === 0) return;
  const archive = tarOf(
    files.map(({ path, content, mode, uid, gid }) => ({
      path: posix.normalize(path).replace(/^\/+/, ""),
      kind: "file" as const,
      content,
      mode,
      uid,
      gid,
    })),
  );
  await http.call({
    method: "PUT",
    path: `/containers/${encodeURIComponent(container)}/archive`,
    query: { path: "/", noOverwriteDirNonDir: "1", copyUIDGID: "1" },
    body: { type: "application/x-tar", chunks: [archive] },
    signal,
  });
}

/**
 * Folders whose files cannot simply be copied in: the engine refuses to write below a read-only root, and a tmpfs would hide them. They go
 * into a volume over the folder instead.
 */
export function foldersToStage(service: Service, files: readonly File[]): readonly string[] {
  const tmpfs = [
    ...service.tmpfs.map(({ target }) => target),
    ...service.mounts.flatMap((mount) => (mount.kind === "tmpfs" ? [mount.target] : [])),
  ];
  const writable = service.mounts.flatMap((mount) => (mount.kind !== "tmpfs" && !mount.readOnly ? [mount.target] : []));
  const folders = files
    .map(({ path }) => posix.dirname(posix.normalize(path)))
    .filter((folder) => {
      if (tmpfs.some((target) => isWithin(folder, target))) return true;
      return service.readOnly && !writable.some((target) => isWithin(folder, target));
    });
  return [...new Set(folders)].sort();
}

export function isWithin(folder: string, target: string): boolean {
  const base = posix.normalize(target).replace(/\/$/, "");
  return folder === base || folder.startsWith(`${base}/`);
}
