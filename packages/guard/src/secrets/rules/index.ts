import type { SecretRule } from "../rule.ts";
import { anthropic } from "./anthropic.ts";
import { aws } from "./aws.ts";
import { azure } from "./azure.ts";
import { digitalocean } from "./digitalocean.ts";
import { docker } from "./docker.ts";
import { flotilla } from "./flotilla.ts";
import { github } from "./github.ts";
import { gitlab } from "./gitlab.ts";
import { google } from "./google.ts";
import { huggingFace } from "./hugging-face.ts";
import { jwt } from "./jwt.ts";
import { npm } from "./npm.ts";
import { openai } from "./openai.ts";
import { privateKey } from "./private-key.ts";
import { pypi } from "./pypi.ts";
import { sendgrid } from "./sendgrid.ts";
import { slack } from "./slack.ts";
import { stripe } from "./stripe.ts";
import { telegram } from "./telegram.ts";
import { twilio } from "./twilio.ts";

/** Every rule. Where two secrets overlap, the rule that stands first here wins: the special before the general. */
export const rules: readonly SecretRule[] = [
  ...flotilla,
  ...google,
  ...aws,
  ...github,
  ...gitlab,
  ...npm,
  ...pypi,
  ...slack,
  ...stripe,
  ...azure,
  ...twilio,
  ...sendgrid,
  ...docker,
  ...openai,
  ...anthropic,
  ...telegram,
  ...huggingFace,
  ...digitalocean,
  ...privateKey,
  ...jwt,
];
