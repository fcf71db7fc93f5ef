/** What must work before the server says that it is ready. Features add their own check at start. */
export interface Readiness {
  /** `check` throws, or resolves to false, while `name` does not work. */
  add(name: string, check: () => Promise<boolean>): void;
  /** Each check's name and whether it passed. */
  check(): Promise<Readonly<Record<string, boolean>>>;
}

export function createReadiness(): Readiness {
  const checks = new Map<string, () => Promise<boolean>>();
  return {
    add: (name, check) => checks.set(name, check),
    async check() {
      const results: Record<string, boolean> = {};
      for (const [name, check] of checks) results[name] = await passes(check);
      return results;
    },
  };
}

async function passes(check: () => Promise<boolean>): Promise<boolean> {
  try {
    return await check();
  } catch {
    // The answer is the report: /readyz names the part, and the part logs its own failures.
    return false;
  }
}
