/** Messages between the features of one server, later between servers. At most once, in order per publisher: a hint to look again. */
export interface Bus {
  publish<T extends keyof Topics>(topic: T, message: Topics[T]): void;
  /** Returns the function that ends the subscription. */
  subscribe<T extends keyof Topics>(topic: T, handler: (message: Topics[T]) => void): () => void;
}

/** Every topic and its message. */
export interface Topics {
  /** Rows were appended to the events table, up to and including `seq`. */
  readonly events: { readonly seq: number };
  /** What this device should run may have changed. */
  readonly "device.target": { readonly project: string; readonly device: string };
  /** A device reported. */
  readonly "device.report": { readonly project: string; readonly device: string };
  /** The device's key is revoked or it is deleted: end its connections at once. */
  readonly "device.revoked": { readonly project: string; readonly device: string };
  /** A person allowed a bad release again on this device. */
  readonly "device.forgive": {
    readonly project: string;
    readonly device: string;
    readonly app: string;
    readonly release: string;
  };
  /** A rollout was made, resumed or aborted: look what is to be done. */
  readonly "rollout.changed": { readonly project: string; readonly rollout: string };
  /** A scan of a manifest ended. */
  readonly "scan.done": { readonly project: string; readonly manifest: string };
}

/** The bus of a server that runs as one process. */
export function createMemoryBus(): Bus {
  const handlers = new Map<string, Set<(message: never) => void>>();
  return {
    publish(topic, message) {
      for (const handler of handlers.get(topic) ?? []) handler(message as never);
    },
    subscribe(topic, handler) {
      const set = handlers.get(topic) ?? new Set();
      handlers.set(topic, set);
      set.add(handler as (message: never) => void);
      return () => set.delete(handler as (message: never) => void);
    },
  };
}
