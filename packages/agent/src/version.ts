/** Version of the agent, as in its package.json (the compiled executable has no file to read it from). */
export const AGENT_VERSION = "0.1.0";
