/** Platform of an image, in OCI's words (image-spec, image index, "platform"). */
export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
}

const DEFAULT_VARIANTS: Readonly<Record<string, string>> = { arm64: "v8", arm: "v7" };
const ALIASES: Readonly<Record<string, string>> = {
  x86_64: "amd64",
  "x86-64": "amd64",
  x64: "amd64",
  aarch64: "arm64",
  armhf: "arm",
  armv7l: "arm",
  i386: "386",
  ia32: "386",
};

/** `linux/arm64` or `linux/arm/v7`, or undefined when `text` is not a platform. */
export function parsePlatform(text: string): Platform | undefined {
  const [os, architecture, variant, ...rest] = text.split("/");
  if (!os || !architecture || rest.length > 0 || variant === "") return undefined;
  return { os, architecture: normaliseArchitecture(architecture), ...(variant === undefined ? {} : { variant }) };
}

/** The text of a platform. */
export function formatPlatform(platform: Platform): string {
  const variant = platform.variant === undefined ? "" : `/${platform.variant}`;
  return `${platform.os}/${platform.architecture}${variant}`;
}

/** OCI's name (Go's GOARCH) of an architecture as `uname`, Docker or Node call it. */
export function normaliseArchitecture(name: string): string {
  return ALIASES[name] ?? name;
}

/** Whether an image for `offered` runs where `wanted` is asked for: same system and architecture, and a variant not above the wanted one. */
export function platformFits(offered: Platform, wanted: Platform): boolean {
  if (offered.os !== wanted.os) return false;
  const architecture = normaliseArchitecture(wanted.architecture);
  if (normaliseArchitecture(offered.architecture) !== architecture) return false;
  return variantNumber(architecture, offered.variant) <= variantNumber(architecture, wanted.variant);
}

/** The offered platform that fits `wanted` best (the highest variant), or undefined. */
export function choosePlatform<T>(
  offers: readonly T[],
  platformOf: (offer: T) => Platform | undefined,
  wanted: Platform,
): T | undefined {
  let best: T | undefined;
  let bestVariant = -1;
  for (const offer of offers) {
    const platform = platformOf(offer);
    if (platform === undefined || !platformFits(platform, wanted)) continue;
    const variant = variantNumber(normaliseArchitecture(platform.architecture), platform.variant);
    if (variant > bestVariant) {
      best = offer;
      bestVariant = variant;
    }
  }
  return best;
}

function variantNumber(architecture: string, variant: string | undefined): number {
  const match = /^v(\d+)/.exec(variant ?? DEFAULT_VARIANTS[architecture] ?? "");
  return match === null ? 0 : Number(match[1]);
}
