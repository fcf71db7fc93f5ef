/** Settings as they were given. */
export interface Settings {
  /** This server's version. */
  readonly version: string;
  /** Folder of the database and the blobs. */
  readonly dataDir: string;
  /** Port 0 takes a free one. */
  readonly listen: { readonly host: string; readonly port: number };
  /** How clients reach the server; made of `listen` when absent. */
  readonly publicUrl?: string;
  /** Where the first start writes an owner API token. */
  readonly ownerTokenFile?: string;
  /** Requests from one address in a minute. */
  readonly requestsPerMinute: number;
  /** Addresses or networks of proxies whose `X-Forwarded-*` is believed. */
  readonly trustedProxies: readonly string[];
}

/** Settings of a running server, all optional on the command line; see `flotilla serve --help`. */
export interface Config extends Settings {
  /** How clients reach the server, without a trailing slash; decides links and what provisioning tokens carry. */
  readonly publicUrl: string;
}

/** What a server without any settings uses. */
export const DEFAULT_SETTINGS: Settings = {
  version: "0.1.0",
  dataDir: "flotilla-data",
  listen: { host: "127.0.0.1", port: 8080 },
  requestsPerMinute: 12_000,
  trustedProxies: [],
};
