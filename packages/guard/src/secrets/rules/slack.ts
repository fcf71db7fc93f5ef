import { looksRandom } from "../proof.ts";
import { type SecretRule, tokenAt } from "../rule.ts";

export const slack: readonly SecretRule[] = [
  {
    id: "slack-token",
    title: "Slack token",
    severity: "high",
    keywords: ["xoxb-", "xoxp-", "xoxa-", "xoxr-", "xoxs-", "xoxe-", "xapp-"],
    before: 1,
    after: 280,
    find: tokenAt({
      pattern:
        /(?:xox[abprs]-\d{10,13}-\d{10,13}-[0-9A-Za-z-]{20,100}|xoxe-\d-[0-9A-Za-z]{100,200}|xapp-\d-[A-Z0-9]{9,12}-\d{10,13}-[0-9a-f]{64})(?![0-9A-Za-z-])/y,
      judge: (token) => (looksRandom(token.slice(token.lastIndexOf("-") + 1), 3) ? "likely" : undefined),
    }),
  },
  {
    id: "slack-webhook",
    title: "Slack incoming webhook",
    severity: "medium",
    keywords: ["hooks.slack.com/"],
    before: 8,
    after: 100,
    find: tokenAt({
      pattern:
        /hooks\.slack\.com\/(?:services|workflows)\/T[0-9A-Z]{8,12}\/[AB][0-9A-Z]{8,12}\/(?:\d{17,20}\/)?[0-9A-Za-z]{24}(?![0-9A-Za-z])/y,
      judge: (token) => (looksRandom(token.slice(-24), 3.5) ? "likely" : undefined),
    }),
  },
];
