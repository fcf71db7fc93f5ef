/** Proxies as the environment names them; the caller reads the environment. */
export interface ProxySettings {
  /** For `http:` targets. */
  readonly http?: string | undefined;
  /** For `https:` targets. */
  readonly https?: string | undefined;
  /** NO_PROXY: comma-separated hosts (`example.com` also means its subdomains), `host:port`, or `*`. */
  readonly none?: string | undefined;
}

/** The settings in an environment: HTTP_PROXY, HTTPS_PROXY, NO_PROXY, in capitals or not. */
export function proxySettingsOf(environment: Readonly<Record<string, string | undefined>>): ProxySettings {
  const get = (name: string) => environment[name.toLowerCase()] || environment[name] || undefined;
  return { http: get("HTTP_PROXY"), https: get("HTTPS_PROXY"), none: get("NO_PROXY") };
}

/** The proxy to use for `url`, or undefined for a direct connection. Loopback is always reached directly, as Go's clients do. */
export function proxyFor(url: URL, settings: ProxySettings | undefined): URL | undefined {
  const address = url.protocol === "https:" ? settings?.https : settings?.http;
  if (address === undefined || isLoopback(url.hostname) || isExcluded(url, settings?.none)) return undefined;
  return new URL(address.includes("://") ? address : `http://${address}`);
}

/** `Proxy-Authorization` for the user and password in the proxy's URL. */
export function proxyAuthorization(proxy: URL): string | undefined {
  if (proxy.username === "") return undefined;
  const pair = `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`;
  return `Basic ${Buffer.from(pair).toString("base64")}`;
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "[::1]" || /^127(?:\.\d+){3}$/.test(host);
}

function isExcluded(url: URL, none: string | undefined): boolean {
  const port = url.port || (url.protocol === "https:" ? "443" : "80");
  for (const entry of (none ?? "").toLowerCase().split(",")) {
    const rule = entry.trim().replace(/^\*?\./, "");
    if (rule === "") continue;
    if (rule === "*" || rule === `${url.hostname}:${port}`) return true;
    if (url.hostname === rule || url.hostname.endsWith(`.${rule}`)) return true;
  }
  return false;
}
