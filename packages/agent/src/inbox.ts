import { isCoded } from "@flotilla/base/errors";
import type { ServerMessage } from "@flotilla/protocol/device";
import type { Envelope } from "@flotilla/protocol/dsse";
import type { TargetDocument } from "@flotilla/protocol/target";
import { startRunners } from "./runners.ts";
import { type OpenTarget, type Running, track } from "./running.ts";

/** Takes a message of the server. Nothing waits for what it sets off. */
export function receive(message: ServerMessage, running: Running, open: OpenTarget): void {
  switch (message.type) {
    case "target":
      track(running, acceptTarget(message.envelope, running, open));
      return;
    case "ack":
      running.reporter.acknowledged(message.seq);
      return;
    case "forgive":
      track(running, forgive(message.app, message.release, running));
      return;
    case "challenge":
    case "welcome":
    case "token":
    case "refusal":
      return; // The link's own.
  }
}

/** Believes a target that is signed, made for this device and not older than the one it holds. */
async function acceptTarget(envelope: Envelope, running: Running, open: OpenTarget): Promise<void> {
  const { journal, options } = running;
  const held = journal.state();
  let document: TargetDocument;
  try {
    document = open(envelope);
  } catch (error) {
    options.log.warn({ error, code: isCoded(error) ? error.code : "target-invalid" }, "a target is refused");
    return;
  }
  if (document.version < held.targetVersion) {
    const versions = { version: document.version, held: held.targetVersion };
    options.log.warn({ ...versions, code: "target-replayed" }, "a target older than the held one is refused");
    return;
  }
  if (document.version === held.targetVersion && running.target !== undefined) return;
  await journal.update((state) =>
    document.version < state.targetVersion ? state : { ...state, envelope, targetVersion: document.version },
  );
  if (journal.state().targetVersion !== document.version) return;
  running.target = document;
  options.log.info({ version: document.version }, "target accepted");
  startRunners(running);
  running.reporter.touch();
}

async function forgive(app: string, release: string, running: Running): Promise<void> {
  await running.journal.update((state) => {
    const { [app]: journal, ...others } = state.apps;
    const { verdict, ...kept } = journal ?? {};
    const still = verdict === undefined || verdict.release === release ? {} : { verdict };
    return {
      ...state,
      bad: state.bad.filter((bad) => bad.app !== app || bad.release !== release),
      ...(journal === undefined ? {} : { apps: { ...others, [app]: { ...kept, ...still } } }),
    };
  });
  running.runners.get(app)?.forgive(release);
}
