import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";

/** Figures of one server for `/metrics`. Features add theirs to `registry`, or a gauge that is read when it is asked for. */
export interface Metrics {
  readonly registry: Registry;
  gauge(name: string, help: string, read: () => number | Promise<number>): void;
  /** A request was answered. `route` is the pattern, never the path. */
  observeRequest(
    labels: { readonly method: string; readonly route: string; readonly status: number },
    seconds: number,
  ): void;
  countEvent(action: string): void;
}

export function createMetrics(): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const requests = new Histogram({
    name: "flotilla_http_request_duration_seconds",
    help: "Time from a request to its answer",
    labelNames: ["method", "route", "status"],
    buckets: [0.005, 0.025, 0.1, 0.5, 2.5, 10, 60],
    registers: [registry],
  });
  const events = new Counter({
    name: "flotilla_events_total",
    help: "Events appended to the log since the start, by action",
    labelNames: ["action"],
    registers: [registry],
  });
  return {
    registry,
    gauge(name, help, read) {
      new Gauge({
        name,
        help,
        registers: [registry],
        async collect() {
          this.set(await read());
        },
      });
    },
    observeRequest: ({ method, route, status }, seconds) =>
      requests.observe({ method, route, status: String(status) }, seconds),
    countEvent: (action) => events.inc({ action }),
  };
}
