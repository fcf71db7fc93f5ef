/** A keyword and what it stands for. */
export interface Keyword<T> {
  readonly text: string;
  readonly value: T;
}

/** Finds many keywords in one pass, whatever the case of their letters. */
export interface Automaton<T> {
  /** The state before the first byte. */
  readonly start: number;
  /**
   * Runs over `bytes` from `state`; calls `found` with the keywords that end at each position (the index of their last byte). Returns the
   * state to go on from.
   */
  scan(bytes: Uint8Array, state: number, found: (keywords: readonly Keyword<T>[], index: number) => void): number;
}

/** Bytes are folded to classes, so that the table of one state is one or two cache lines and all of it stays close. */
const CLASSES = 64;

interface Node {
  readonly next: Map<number, Node>;
  readonly ends: number[];
  fail: Node | undefined;
  id: number;
}

/**
 * Aho–Corasick as one table (states × classes) of premultiplied next states; accepting states stand last, so that the loop has one
 * comparison. Throws a RangeError when the keywords need more classes or states than the table has.
 */
export function createAutomaton<T>(keywords: readonly Keyword<T>[]): Automaton<T> {
  const classes = classesOf(keywords.map(({ text }) => text));
  const root = newNode();
  for (const [index, { text }] of keywords.entries()) {
    const path = foldedBytes(text).map((byte) => classes[byte] ?? 0);
    insert(root, path, index);
  }
  const nodes = linked(root);
  const ordered = [...nodes.filter((node) => node.ends.length === 0), ...nodes.filter((node) => node.ends.length > 0)];
  ordered.forEach((node, id) => {
    node.id = id;
  });
  const accepting = ordered.findIndex((node) => node.ends.length > 0);
  const firstAccepting = (accepting < 0 ? ordered.length : accepting) * CLASSES;
  const table = tableOf(ordered, root);
  const outputs = ordered.map(({ ends }) => ends.flatMap((index) => keywords[index] ?? []));
  return {
    start: root.id * CLASSES,
    scan(bytes, from, found) {
      let state = from;
      for (let index = 0; index < bytes.length; index++) {
        state = table[state + (classes[bytes[index] as number] as number)] as number;
        if (state >= firstAccepting) found(outputs[state / CLASSES] ?? [], index);
      }
      return state;
    },
  };
}

function newNode(): Node {
  return { next: new Map(), ends: [], fail: undefined, id: 0 };
}

/** A class for each byte that stands in a keyword, letters of both cases together; 0 for all others. */
function classesOf(texts: readonly string[]): Uint8Array {
  const classes = new Uint8Array(256);
  let count = 1;
  for (const text of texts) {
    for (const byte of foldedBytes(text)) {
      if (classes[byte] !== 0) continue;
      if (count === CLASSES) throw new RangeError("the keywords have too many different characters");
      classes[byte] = count;
      if (byte >= 0x61 && byte <= 0x7a) classes[byte - 0x20] = count;
      count++;
    }
  }
  return classes;
}

function foldedBytes(text: string): readonly number[] {
  return [...Buffer.from(text.toLowerCase(), "latin1")];
}

function insert(root: Node, path: readonly number[], index: number): void {
  let node = root;
  for (const step of path) {
    let next = node.next.get(step);
    if (next === undefined) {
      next = newNode();
      node.next.set(step, next);
    }
    node = next;
  }
  node.ends.push(index);
}

/** All nodes, breadth first, with failure links; a node also ends what its failure ends. */
function linked(root: Node): readonly Node[] {
  const nodes = [root];
  for (const node of nodes) {
    for (const [step, child] of node.next) {
      let fail = node.fail;
      while (fail !== undefined && !fail.next.has(step)) fail = fail.fail;
      child.fail = fail?.next.get(step) ?? root;
      child.ends.push(...child.fail.ends);
      nodes.push(child);
    }
  }
  return nodes;
}

function tableOf(nodes: readonly Node[], root: Node): Uint16Array {
  if (nodes.length * CLASSES > 0xffff) throw new RangeError("the keywords need too many states");
  const table = new Uint16Array(nodes.length * CLASSES);
  for (const node of nodes) {
    for (let step = 0; step < CLASSES; step++) {
      let from: Node | undefined = node;
      while (from !== undefined && !from.next.has(step)) from = from.fail;
      table[node.id * CLASSES + step] = (from?.next.get(step) ?? root).id * CLASSES;
    }
  }
  return table;
}
