import type { Policy } from "./policy.ts";

/**
 * The policy where none is given: blocks malware, secrets whose format is proven, vulnerabilities known to be exploited (with or
 * without a fix), and critical and high vulnerabilities that a newer version fixes; warns of all else.
 */
export const builtInPolicy: Policy = {
  name: "built-in",
  rules: [
    { name: "malware", kinds: ["malware"], action: "block" },
    { name: "proven-secrets", kinds: ["secret"], confidence: ["proven"], action: "block" },
    { name: "known-exploited", kinds: ["vulnerability"], exploited: true, action: "block" },
    {
      name: "fixable-critical-and-high",
      kinds: ["vulnerability"],
      minSeverity: "high",
      fixAvailable: true,
      action: "block",
    },
    { name: "everything-else", action: "warn" },
  ],
};
