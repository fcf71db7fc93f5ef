/** Flips, removes, repeats and splices bytes, or cuts the end off. */
export function damage(bytes: Buffer, random: () => number): Buffer {
  const at = () => Math.floor(random() * (bytes.length + 1));
  const [from, to] = [at(), at()].sort((a, b) => a - b) as [number, number];
  switch (Math.floor(random() * 5)) {
    case 0:
      return bytes.subarray(0, from);
    case 1:
      return Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)]);
    case 2:
      return Buffer.concat([bytes.subarray(0, to), bytes.subarray(from)]).subarray(0, bytes.length);
    default: {
      const copy = Buffer.from(bytes);
      for (let flips = 1 + Math.floor(random() * 8); flips > 0 && copy.length > 0; flips--)
        copy[Math.floor(random() * Math.min(copy.length, 4096))] = Math.floor(random() * 256);
      return copy;
    }
  }
}

/** mulberry32, seeded by a name: the same damage in every run. */
export function seeded(name: string): () => number {
  let state = [...name].reduce((sum, char) => Math.imul(sum ^ char.charCodeAt(0), 0x01000193), 0x811c9dc5);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
