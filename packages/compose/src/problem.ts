/** Where something stands: file, 1-based line and column, and the path of the field (`services.web.ports[0]`). */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly field: string;
}

/** Something in a compose file that we cannot honour or understand. */
export interface ComposeProblem extends Place {
  readonly code: ProblemCode;
  /** What is wrong and what to do. */
  readonly message: string;
}

export type ProblemCode =
  | "yaml"
  | "unknown-field"
  | "unsupported-field"
  | "bad-value"
  | "missing-field"
  | "unresolved-variable"
  | "bad-interpolation"
  | "unknown-reference"
  | "dependency-cycle"
  | "missing-file"
  /** A warning: part of the file is not in the release. */
  | "left-out"
  | "too-large";

/** Problems of one file set: after this many the rest is counted by one more. */
export const MAX_PROBLEMS = 200;

/** Collects problems, so that a person sees all of them at once. */
export class Problems {
  readonly #list: ComposeProblem[] = [];
  readonly #seen = new Set<string>();

  add(place: Place, code: ProblemCode, message: string): void {
    const key = `${place.file}\n${place.line}\n${place.column}\n${place.field}\n${message}`;
    if (this.#seen.has(key) || this.#list.length >= MAX_PROBLEMS) return;
    this.#seen.add(key);
    const { file, line, column, field } = place;
    this.#list.push({ file, line, column, field, code, message });
  }

  get count(): number {
    return this.#list.length;
  }

  /** In the order of the files. */
  sorted(files: readonly string[]): readonly ComposeProblem[] {
    const rank = (problem: ComposeProblem) => files.indexOf(problem.file);
    return this.#list.toSorted((a, b) => rank(a) - rank(b) || a.line - b.line || a.column - b.column);
  }
}

/** `compose.yaml:12:5: services.web.build: message`. */
export function formatProblem(problem: ComposeProblem): string {
  const field = problem.field === "" ? "" : `${problem.field}: `;
  return `${problem.file}:${problem.line}:${problem.column}: ${field}${problem.message}`;
}
