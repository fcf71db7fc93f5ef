// Pushing and pulling a 500 MB image and 200 small ones: our registry beside Debian's `docker-registry` (2.8.2) where it is installed, with the
// same client (`packages/oci`), each in a fresh process and folder per round, in turns. Ours also keeps accounts, syncs to the disk what it
// acknowledges (the other does not) and scans: `plain` and `gzip` images are scanned while they are pushed, `opaque` ones hold nothing to scan.
// The median of the rounds counts; memory is the highest of all (VmHWM), that of ours with the guard's threads in it.
import { join } from "node:path";
import { type Image, imageOf, makeTars, opaque, smallImages } from "./registry/images.ts";
import { installed, type Registry, type RegistryKind, start } from "./registry/servers.ts";

const ROOT = new URL("..", import.meta.url).pathname;
const ROUNDS = 3;
const SMALL_IMAGES = 200;
/** As many as docker has at a time. */
const PARALLEL_PUSHES = 5;
const PARALLEL_PULLS = 3;

type Seconds = Readonly<Record<string, number>>;

export async function measure(say: (line: string) => void): Promise<Record<string, unknown>> {
  const tars = makeTars([join(ROOT, "node_modules"), "/usr/lib", "/usr/share", "/usr/bin"]);
  const big = { plain: imageOf(tars, false), gzip: imageOf(tars, true), opaque: opaque() };
  const small = smallImages(SMALL_IMAGES);
  for (const [form, { blobs }] of Object.entries(big)) say(`${form}: ${megabytes(blobs).toFixed(0)} MB`);
  const runs: Record<RegistryKind, Seconds[]> = { flotilla: [], "docker-registry": [] };
  for (let round = 0; round < ROUNDS; round++)
    for (const kind of installed()) {
      const seconds = await oneRound(kind, big, small);
      runs[kind].push(seconds);
      say(`${kind}: ${JSON.stringify(rounded(seconds))}`);
    }
  const ours = summary(runs.flotilla);
  const theirs = summary(runs["docker-registry"]);
  const ratios = Object.fromEntries(
    Object.entries(ours).flatMap(([name, value]) => (theirs[name] === undefined ? [] : [[name, value / theirs[name]]])),
  );
  return { rounds: ROUNDS, flotilla: rounded(ours), "docker-registry": rounded(theirs), ratios: rounded(ratios) };
}

async function oneRound(
  kind: RegistryKind,
  big: Readonly<Record<string, Image>>,
  small: readonly Image[],
): Promise<Seconds> {
  const seconds: Record<string, number> = {};
  const timed = async (name: string, work: () => Promise<unknown>) => {
    const before = performance.now();
    await work();
    seconds[name] = (performance.now() - before) / 1000;
  };
  await using registry = await start(kind);
  for (const [form, image] of Object.entries(big)) {
    const before = performance.now();
    await timed(`push-${form}`, () => push(registry, form, image));
    if (registry.token !== undefined && form !== "opaque") {
      await verdict(registry, image);
      seconds[`verdict-${form}`] = (performance.now() - before) / 1000;
    }
    await timed(`pull-${form}`, () => pull(registry, form));
  }
  seconds["peakMb-big"] = registry.peakMb();
  const numbered = small.map((image, index) => [`small/${index}`, image] as const);
  await timed("push-small", () =>
    inParallel(numbered, PARALLEL_PUSHES, ([name, image]) => push(registry, name, image)),
  );
  await timed("pull-small", () => inParallel(numbered, PARALLEL_PULLS, ([name]) => pull(registry, name)));
  seconds["peakMb"] = registry.peakMb();
  return seconds;
}

async function push({ client }: Registry, name: string, image: Image): Promise<void> {
  const repository = `default/${name}`;
  await inParallel(image.blobs, PARALLEL_PUSHES, async ({ digest, bytes }) => {
    if ((await client.blobSize(repository, digest)) !== undefined) return;
    await client.pushBlob(repository, { digest, sizeBytes: bytes.length, content: bytes });
  });
  await client.putManifest(repository, "v1", image.manifest);
}

async function pull({ client }: Registry, name: string): Promise<void> {
  const repository = `default/${name}`;
  const { manifest } = await client.getManifest(repository, "v1");
  if (manifest.kind !== "image") throw new TypeError("not an image");
  await inParallel([manifest.config, ...manifest.layers], PARALLEL_PULLS, async (blob) => {
    for await (const _ of client.readBlob(repository, blob)); // verified as it is read
  });
}

/** Waits until the guard has said what it thinks of an image. */
async function verdict({ url, token }: Registry, { manifest }: Image): Promise<void> {
  const scan = `${url}/api/v1/projects/default/scans/${manifest.digest}?waitSeconds=30`;
  for (;;) {
    const response = await fetch(scan, { headers: { authorization: `Bearer ${token}` } });
    const { state } = (await response.json()) as { readonly state: string };
    if (state === "done") return;
    if (state !== "pending") throw new Error(`the scan is ${state}`);
  }
}

async function inParallel<T>(items: readonly T[], parallel: number, work: (item: T) => Promise<void>): Promise<void> {
  const queue = items.values();
  const worker = async () => {
    for (const item of queue) await work(item);
  };
  await Promise.all(Array.from({ length: parallel }, worker));
}

/** The median of the rounds; of memory the highest. */
function summary(rounds: readonly Seconds[]): Record<string, number> {
  return Object.fromEntries(
    Object.keys(rounds[0] ?? {}).map((name) => {
      const sorted = rounds.map((round) => round[name] ?? Number.NaN).sort((a, b) => a - b);
      return [name, sorted.at(name.startsWith("peakMb") ? -1 : Math.floor(sorted.length / 2)) ?? Number.NaN];
    }),
  );
}

function rounded(figures: Seconds): Seconds {
  return Object.fromEntries(Object.entries(figures).map(([name, value]) => [name, Math.round(value * 1000) / 1000]));
}

function megabytes(blobs: Image["blobs"]): number {
  return blobs.reduce((sum, { bytes }) => sum + bytes.length, 0) / 1e6;
}
