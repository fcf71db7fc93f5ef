import { PackageURL } from "packageurl-js";
import { normaliseName } from "../ecosystems/pypi/purl.ts";
import { isObject, type JsonObject, textOf } from "../json.ts";
import type { EcosystemId, Package } from "../model.ts";
import { distroStream } from "../os.ts";
import { isOsEcosystem } from "../osv-names.ts";
import { formatPurl } from "../purl.ts";
import { ECOSYSTEM_OF_PURL_TYPE } from "../purl-types.ts";

/** The package that a component's purl names; a text says why there is none. */
export function packageOfPurl(text: string, component: JsonObject, path: string): Package | string {
  let purl: PackageURL;
  try {
    purl = PackageURL.fromString(text);
  } catch {
    return "a purl that cannot be read";
  }
  const ecosystem = ECOSYSTEM_OF_PURL_TYPE[purl.type];
  if (ecosystem === undefined) return `packages of type ${purl.type.slice(0, 40)}`;
  if (!purl.version) return "without a version";
  const name = ecosystem === "pypi" ? normaliseName(purl.name) : purl.name;
  const namespace = purl.namespace ?? undefined;
  const qualifiers = Object.fromEntries(
    Object.entries(purl.qualifiers ?? {}).map(([key, value]) => [key, String(value)]),
  );
  const version = purl.version;
  return {
    purl: formatPurl({ type: purl.type, namespace, name, version, qualifiers }),
    ecosystem,
    name: nameOf(ecosystem, namespace, name),
    version,
    ...(isOsEcosystem(ecosystem) ? osFacts({ name, version, namespace, qualifiers, component }) : {}),
    evidence: "declared",
    locations: [{ path }],
  };
}

/** The name as the ecosystem compares it. */
function nameOf(ecosystem: EcosystemId, namespace: string | undefined, name: string): string {
  if (namespace === undefined || isOsEcosystem(ecosystem)) return name;
  return ecosystem === "maven" ? `${namespace}:${name}` : `${namespace}/${name}`;
}

interface OsComponent {
  readonly name: string;
  readonly version: string;
  readonly namespace: string | undefined;
  readonly qualifiers: Readonly<Record<string, string>>;
  readonly component: JsonObject;
}

/** Source package and distribution, where the producers we know write them: qualifiers (`upstream`, `distro`) and properties. */
function osFacts({ name, version, namespace, qualifiers, component }: OsComponent): Pick<Package, "source" | "distro"> {
  const [upstream, upstreamVersion] = (qualifiers["upstream"] ?? "").split("@");
  const source = {
    name: propertyOf(component, /:SrcName$/) ?? (upstream || name),
    version: fullSourceVersion(component) ?? upstreamVersion ?? version,
  };
  const match = /^([a-z]+)-(.+)$/.exec(qualifiers["distro"] ?? "");
  const distro = match?.[2] === undefined ? undefined : distroStream(match[1] ?? namespace ?? "", match[2]);
  return { source, ...(distro === undefined ? {} : { distro }) };
}

/** Trivy writes epoch, version and release apart. */
function fullSourceVersion(component: JsonObject): string | undefined {
  const version = propertyOf(component, /:SrcVersion$/);
  if (version === undefined) return undefined;
  const epoch = propertyOf(component, /:SrcEpoch$/);
  const release = propertyOf(component, /:SrcRelease$/);
  return `${epoch === undefined ? "" : `${epoch}:`}${version}${release === undefined ? "" : `-${release}`}`;
}

function propertyOf(component: JsonObject, name: RegExp): string | undefined {
  const properties = component["properties"];
  if (!Array.isArray(properties)) return undefined;
  const found: unknown = properties.find((item: unknown) => isObject(item) && name.test(textOf(item["name"]) ?? ""));
  return isObject(found) ? textOf(found["value"]) : undefined;
}
