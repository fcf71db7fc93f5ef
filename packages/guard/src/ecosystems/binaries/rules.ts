/** How one project's programs tell their version. */
export interface BinaryRule {
  /** Name of the package, upstream's own. */
  readonly name: string;
  /** Names of files that are read for it. */
  readonly files: RegExp;
  /** Text around the version, which is the first group; `minor` is what {@link files} captured. Each ends with what must follow. */
  readonly pattern: (minor: string) => RegExp;
  /** Kernels and boot loaders are no ELF files. */
  readonly anyFormat?: boolean;
}

const END = "(?=[^0-9])";

function always(pattern: RegExp): BinaryRule["pattern"] {
  return () => pattern;
}

/** Only what is certain: text that the project itself prints, anchored on both sides. */
export const BINARY_RULES: readonly BinaryRule[] = [
  { name: "busybox", files: /^busybox(?:\.\w+)?$/, pattern: always(/BusyBox v(\d+\.\d+\.\d+)[^\0]{0,40} \(/g) },
  {
    name: "openssl",
    files: /^(?:openssl|lib(?:crypto|ssl)\.so(?:\.[\d.]+)?)$/,
    pattern: always(
      /\0OpenSSL (\d+\.\d+\.\d+[a-z]{0,2}(?:-(?:alpha|beta|pre)\d+)?)[^\0\d]{0,20} \d{1,2} [A-Z][a-z]{2} \d{4}(?=\0)/g,
    ),
  },
  {
    name: "curl",
    files: /^(?:curl|libcurl(?:-gnutls)?\.so(?:\.[\d.]+)?)$/,
    pattern: always(/\0(?:libcurl\/|curl )(\d+\.\d+\.\d+)(?=\0| \()/g),
  },
  { name: "nginx", files: /^nginx$/, pattern: always(/\0(?:nginx version: )?nginx\/(\d+\.\d+\.\d+)(?=[\0\n ])/g) },
  {
    name: "dropbear",
    files: /^(?:dropbear(?:multi)?|dbclient)$/,
    pattern: always(new RegExp(`SSH-2\\.0-dropbear_(\\d+\\.\\d+)${END}`, "g")),
  },
  { name: "node", files: /^node(?:js)?$/, pattern: always(new RegExp(`node\\.js\\/v(\\d+\\.\\d+\\.\\d+)${END}`, "g")) },
  {
    name: "python",
    files: /^(?:lib)?python(3\.\d+)(?:\.so(?:\.[\d.]+)?)?$/,
    pattern: (minor) =>
      new RegExp(`(?<=[^\\d.])(${minor.replace(".", "\\.")}\\.\\d+(?:(?:a|b|rc)\\d+)?\\+?)(?=\\0)`, "g"),
  },
  {
    name: "sqlite",
    files: /^(?:sqlite3|libsqlite3\.so(?:\.[\d.]+)?)$/,
    pattern: always(/\0(3\.\d+\.\d+(?:\.\d+)?)(?=\0)/g),
  },
  {
    name: "zlib",
    files: /^libz\.so(?:\.[\d.]+)?$/,
    pattern: always(/deflate (\d+\.\d+(?:\.\d+){0,2}) Copyright \d{4}/g),
  },
  {
    name: "u-boot",
    files: /^u-boot[\w.-]*\.(?:bin|img|imx|itb|elf)$/,
    pattern: always(/U-Boot (?:SPL )?(\d{4}\.\d{2}(?:-rc\d+)?)[^\0]{0,80} \([A-Z][a-z]{2} /g),
    anyFormat: true,
  },
  {
    name: "linux",
    files: /^(?:vmlinu[xz](?:-.+)?|[bz]?Image|uImage|zImage|kernel\d*\.img)$/,
    pattern: always(
      /(?:Linux version |\0)(\d+\.\d+(?:\.\d+)?[\w.+~-]{0,60}) \([^()\0]{1,60}@[^()\0]{1,60}\)[^\0]{0,300} #\d+/g,
    ),
    anyFormat: true,
  },
];
