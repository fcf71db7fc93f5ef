import type { Session } from "../session.ts";

/** API path of the releases of an app. */
export function releasesPath({ project }: Pick<Session, "project">, app: string): string {
  return `/api/v1/projects/${encodeURIComponent(project)}/apps/${encodeURIComponent(app)}/releases`;
}

/** API path of one release by digest or tag. */
export function releasePath(session: Pick<Session, "project">, app: string, release: string): string {
  return `${releasesPath(session, app)}/${encodeURIComponent(release)}`;
}
