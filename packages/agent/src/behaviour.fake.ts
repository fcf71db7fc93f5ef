import { asDigest } from "@flotilla/base/digest";
import { parseImageConfig } from "@flotilla/oci/image-config";
import type { ReleasePlatform } from "@flotilla/protocol/release";
import { type Blobs, EngineError } from "./ports.ts";

/** Label of an image's config that says how its containers behave; absent: they run until stopped. */
export const BEHAVIOUR_LABEL = "io.flotilla.sim.behaviour";
const MAX_CONFIG_BYTES = 4 * 1024 * 1024;

/**
 * How containers of an image behave. `healthy` and `unhealthy` have a health check that answers after `afterMs`. `runs` has none.
 * `exits` ends after `afterMs` with `code`, and is restarted as its service says. `never-starts`: the engine refuses to start it.
 * `out-of-memory`: killed by the kernel after `afterMs`.
 */
export type Behaviour =
  | { readonly kind: "runs" }
  | { readonly kind: "healthy" | "unhealthy" | "out-of-memory"; readonly afterMs: number }
  | { readonly kind: "exits"; readonly afterMs: number; readonly code: number }
  | { readonly kind: "never-starts" };

/** The text of a behaviour in a label: `healthy:2000`, `exits:500:3`, `never-starts`. */
export function formatBehaviour(behaviour: Behaviour): string {
  switch (behaviour.kind) {
    case "runs":
    case "never-starts":
      return behaviour.kind;
    case "healthy":
    case "unhealthy":
    case "out-of-memory":
      return `${behaviour.kind}:${behaviour.afterMs}`;
    case "exits":
      return `exits:${behaviour.afterMs}:${behaviour.code}`;
  }
}

/** The behaviour in a label; `runs` when it says none that is known. */
export function parseBehaviour(text: string | undefined): Behaviour {
  const [kind, after, code] = (text ?? "").split(":");
  const afterMs = Number(after ?? 0) || 0;
  switch (kind) {
    case "healthy":
    case "unhealthy":
    case "out-of-memory":
      return { kind, afterMs };
    case "exits":
      return { kind, afterMs, code: Number(code ?? 1) || 0 };
    case "never-starts":
      return { kind };
    default:
      return { kind: "runs" };
  }
}

/** What containers of an image do, from its config in `blobs`; refuses when a layer is missing, as an engine does. */
export async function behaviourOf(platform: ReleasePlatform, blobs: Blobs): Promise<Behaviour> {
  for (const { digest } of platform.layers)
    if (!(await blobs.has(asDigest(digest)))) throw new EngineError(500, `blob ${digest} is missing`);
  const config = parseImageConfig(await blobs.readAll(asDigest(platform.config), MAX_CONFIG_BYTES));
  return parseBehaviour(config.run.Labels?.[BEHAVIOUR_LABEL]);
}

/** The same at another pace: what took a second takes `pace` seconds. */
export function slowed(behaviour: Behaviour, pace: number): Behaviour {
  return "afterMs" in behaviour ? { ...behaviour, afterMs: behaviour.afterMs * pace } : behaviour;
}
