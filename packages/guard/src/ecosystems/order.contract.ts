import assert from "node:assert/strict";
import type { VersionOrder } from "./version-order.ts";

/** Random numbers from a seed, so that a failure can be repeated (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Versions made of random pieces of `alphabet`. */
export function randomVersions(alphabet: readonly string[], count: number, seed: number): string[] {
  const random = seededRandom(seed);
  return Array.from({ length: count }, () =>
    Array.from({ length: 1 + Math.floor(random() * 7) }, () => alphabet[Math.floor(random() * alphabet.length)]).join(
      "",
    ),
  );
}

/** Every neighbour in `ascending` is below the next, both ways round, and all are valid. */
export function checkAscending(order: VersionOrder, ascending: readonly string[]): void {
  for (const [index, version] of ascending.entries()) {
    assert.ok(order.isValid(version), `${version} is valid`);
    for (const later of ascending.slice(index + 1)) {
      assert.ok(order.compare(version, later) < 0, `${version} < ${later}`);
      assert.ok(order.compare(later, version) > 0, `${later} > ${version}`);
    }
  }
}

/** All of `same` are equal. */
export function checkEqual(order: VersionOrder, same: readonly string[]): void {
  for (const a of same) for (const b of same) assert.equal(order.compare(a, b), 0, `${a} = ${b}`);
}

/** Antisymmetric and transitive over every three of `versions`: what sorting and searching rest on. */
export function checkTotalOrder(order: VersionOrder, versions: readonly string[]): void {
  const sign = (a: string, b: string) => Math.sign(order.compare(a, b)) + 0;
  for (const a of versions)
    for (const b of versions) {
      const ab = sign(a, b);
      assert.equal(ab, -sign(b, a) + 0, `antisymmetric: ${a} | ${b}`);
      if (ab > 0) continue;
      for (const c of versions) {
        if (sign(b, c) > 0) continue;
        assert.ok(sign(a, c) <= 0, `transitive: ${a} | ${b} | ${c}`);
      }
    }
}
