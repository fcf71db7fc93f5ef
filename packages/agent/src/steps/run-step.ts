import type { StepContext } from "../session.ts";
import type { Step } from "../step.ts";
import { createContainer, removeContainer, startContainer, stopContainer } from "./containers.ts";
import { download, giveUp, loadImage, removeImage } from "./images.ts";
import { createNetwork, createVolume, removeNetwork } from "./networks.ts";
import { fetchRelease, preflight } from "./prepare.ts";
import { abandon, begin, commit, conclude, fail, forget, resume } from "./verdict.ts";
import { watch } from "./watch.ts";

/** Does one step. Every step may be cut off by the signal or by the end of the process at any point. */
export async function runStep(step: Step, context: StepContext): Promise<void> {
  switch (step.kind) {
    case "fetch-release":
      return fetchRelease(step, context);
    case "preflight":
      return preflight(step.instance, context);
    case "download":
      return download(step.images, context);
    case "load-image":
      return loadImage(step.image, context);
    case "begin":
      return begin(step.held, context);
    case "resume":
      return resume(context);
    case "create-network":
      return createNetwork(step.spec, context);
    case "create-volume":
      return createVolume(step.spec, context);
    case "create-container":
      return createContainer(step.spec, context);
    case "stop-container":
      return stopContainer(step, context);
    case "start-container":
      return startContainer(step, context);
    case "remove-container":
      return removeContainer(step.id, context);
    case "remove-network":
      return removeNetwork(step.name, context);
    case "remove-image":
      return removeImage(step.config, context);
    case "give-up":
      return giveUp(step, context);
    case "watch":
      return watch(step, context);
    case "fail":
      return fail(step, context);
    case "commit":
      return commit(step, context);
    case "conclude":
      return conclude(step.note, context);
    case "abandon":
      return abandon(context);
    case "forget":
      return forget(context);
  }
}
