import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { appendFile, mkdir, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, test } from "node:test";
import { systemClock } from "@flotilla/base/clock";
import { asDigest } from "@flotilla/base/digest";
import { buildImage } from "@flotilla/oci/build";
import { sha256 } from "@flotilla/oci/hash";
import { parseManifest } from "@flotilla/oci/manifest";
import { AuditVerification } from "@flotilla/protocol/api/audit";
import { ReleaseDetail } from "@flotilla/protocol/api/releases";
import { createApiClient } from "@flotilla/protocol/client";
import {
  pushImage,
  type RegistryServer,
  rawRegistry,
  registryClient,
  startServerOn,
  temporaryFolder,
} from "../registry/testing.ts";
import { releaseRequest } from "../releases/release.fixture.ts";
import { backUp } from "./backup.ts";
import { blobPath } from "./format.ts";
import { restore } from "./restore.ts";

const clock = systemClock;
const IMAGES = ["v1", "v2"].map((text) => buildImage({ files: [{ base: "b" }, { app: text }] }));

const children: ChildProcess[] = [];

/** The server in a process of its own, on the folder. */
async function startProcess(dataDir: string): Promise<{ readonly child: ChildProcess; readonly url: string }> {
  const code = `import { runServer } from ${JSON.stringify(new URL("../main.ts", import.meta.url).href)};
    await runServer({ data: ${JSON.stringify(dataDir)}, listen: "127.0.0.1:0", "owner-token-file": ${JSON.stringify(join(dataDir, "owner-token"))} });`;
  // A file, not -e: the scan threads inherit the arguments of the process.
  const script = `${dataDir}-server.mjs`;
  await writeFile(script, code);
  const child = spawn(process.execPath, [script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  children.push(child);
  for await (const chunk of child.stdout!) {
    const url = /listens on (http:\S+),/.exec(String(chunk))?.[1];
    if (url !== undefined) return { child, url };
  }
  throw new Error("the server did not start");
}

/** Makes a release of each image. */
async function makeReleases(server: Pick<RegistryServer, "url" | "ownerToken">): Promise<void> {
  const api = createApiClient({ baseUrl: server.url, token: server.ownerToken });
  for (const image of IMAGES) {
    await pushImage(registryClient(server), "default/web", "v1", image);
    const text = "name: shop\nservices:\n  web:\n    image: web:1\n";
    const request = await releaseRequest(text, { "web:1": image.manifest.digest });
    await api.post("/api/v1/projects/default/apps/shop/releases", request, ReleaseDetail, { timeoutMs: 60_000 });
  }
}

/** Pulls each release as devices do: its artifact, and every image of it with all its blobs. Returns how many there are. */
async function pullReleases(server: RegistryServer): Promise<number> {
  const client = registryClient(server);
  const rows = await server.context.database.read
    .selectFrom("releases")
    .select(["app", "digest", "document"])
    .execute();
  const pull = async (repository: string, digest: string) => {
    const { bytes } = await client.getManifest(repository, digest);
    assert.equal(sha256(bytes), digest);
    const manifest = parseManifest(bytes);
    assert.ok(manifest.kind === "image");
    for (const blob of [manifest.config, ...manifest.layers]) {
      const chunks = await Array.fromAsync(client.readBlob(repository, { digest: blob.digest }));
      assert.equal(sha256(Buffer.concat(chunks)), blob.digest);
    }
  };
  for (const { app, digest, document } of rows) {
    await pull(`default/${app}`, digest);
    const { images } = JSON.parse(document) as { images: Record<string, { repository: string; digest: string }> };
    for (const image of Object.values(images)) await pull(image.repository, image.digest);
  }
  return rows.length;
}

after(() => {
  for (const child of children) child.kill("SIGKILL");
});

test("a server is killed in the middle of a push, backed up, and restored elsewhere: every release pulls", async () => {
  await using folder = await temporaryFolder();
  const [data, to, elsewhere] = ["data", "backup", "elsewhere"].map((name) => join(folder.path, name)) as [
    string,
    string,
    string,
  ];
  await mkdir(data);
  const { child, url } = await startProcess(data);
  const exited = new Promise((resolve) => child.once("exit", resolve));
  const ownerToken = (await readFile(join(data, "owner-token"), "utf8")).trim();
  await makeReleases({ url, ownerToken });
  const send = rawRegistry({ url, ownerToken });
  const location = (await send("POST", "default/web/blobs/uploads/")).headers.get("location")!;
  const body = new ReadableStream({ start: (controller) => controller.enqueue(randomBytes(2 ** 20)) });
  const headers = { authorization: `Bearer ${ownerToken}` };
  const sending = fetch(new URL(location, url), { method: "PATCH", headers, body, duplex: "half" } as RequestInit);
  const failed = assert.rejects(sending);
  const received = async () => Number((await send("GET", location)).headers.get("range")?.split("-")[1]);
  while ((await received()) < 2 ** 19) await clock.sleep(1);
  const [whileItRuns] = [await backUp({ dataDir: data, to: join(folder.path, "live"), clock })];
  assert.ok(whileItRuns.addedBlobs > 5);
  child.kill("SIGKILL");
  await exited;
  await failed;

  const keysFile = join(folder.path, "keys.json");
  const backup = await backUp({ dataDir: data, to, keysFile, clock });
  assert.equal(backup.addedBlobs, backup.blobs.count);
  assert.equal((await stat(keysFile)).mode & 0o777, 0o600);
  await rm(data, { recursive: true });

  for (const [from, dataDir] of [
    [to, elsewhere],
    [join(folder.path, "live"), `${elsewhere}-live`],
  ] as const) {
    await restore({ from, dataDir, keysFile, clock });
    await writeFile(join(dataDir, "owner-token"), ownerToken);
    await using again = await startServerOn(dataDir);
    assert.equal(await pullReleases(again), IMAGES.length);
    const chain = await again.client.get("/api/v1/audit/verify", AuditVerification);
    assert.ok(chain.intact && chain.count >= backup.events.count);
  }
});

/** A data folder with releases and its backup. */
async function withBackup(folder: string) {
  const [dataDir, from] = [join(folder, "data"), join(folder, "backup")];
  await mkdir(dataDir);
  await using server = await startServerOn(dataDir);
  await pushImage(registryClient(server), "default/web", "v1", IMAGES[0]!);
  return { dataDir, from, backup: await backUp({ dataDir, to: from, clock }) };
}

test("a second backup adds what is new, and drops what only the first one needed", async () => {
  await using folder = await temporaryFolder();
  const { dataDir, from, backup } = await withBackup(folder.path);
  {
    await using server = await startServerOn(dataDir);
    await pushImage(registryClient(server), "default/web", "v2", IMAGES[1]!);
    await registryClient(server).deleteManifest("default/web", IMAGES[0]!.manifest.digest);
  }
  const second = await backUp({ dataDir, to: from, clock });
  // One layer, the config and the manifest; the base layer was there.
  assert.equal(second.addedBlobs, 3);
  assert.equal(second.blobs.count, backup.blobs.count + 2);
  assert.equal((await readdir(from)).filter((name) => name.startsWith("database-")).length, 1);
  await assert.rejects(stat(blobPath(from, IMAGES[0]!.manifest.digest)), { code: "ENOENT" });
  await restore({ from, dataDir: join(folder.path, "new"), clock });
});

test("no key of the server is in a backup", async () => {
  await using folder = await temporaryFolder();
  const { dataDir, from } = await withBackup(folder.path);
  const names = await readdir(from, { recursive: true });
  assert.deepEqual(
    names.filter((name) => /key|tls|pem|token/.test(name)),
    [],
  );
  const key = await readFile(join(dataDir, "keys", "server.key"));
  const database = names.find((name) => name.startsWith("database-"))!;
  assert.equal((await readFile(join(from, database))).includes(key), false);
});

interface Damage {
  readonly what: string;
  readonly damage: (folder: Awaited<ReturnType<typeof withBackup>>) => Promise<void>;
  readonly code: string;
  readonly message: RegExp;
}
const layer = IMAGES[0]!.blobs[0]!.digest;
const DAMAGES: readonly Damage[] = [
  {
    what: "a blob that changed",
    damage: ({ from }) => rm(blobPath(from, layer)).then(() => writeFile(blobPath(from, layer), "other bytes")),
    code: "backup-damaged",
    message: /is not sha256:/,
  },
  {
    what: "a blob that is missing",
    damage: ({ from }) => rm(blobPath(from, layer)),
    code: "backup-damaged",
    message: /missing/,
  },
  {
    what: "a database that changed",
    damage: ({ from, backup }) => appendFile(join(from, backup.database.file), "x"),
    code: "backup-damaged",
    message: /is not sha256:/,
  },
  {
    what: "a backup of another chain of events",
    damage: async ({ from, backup }) =>
      writeFile(join(from, "backup.json"), JSON.stringify({ ...rest(backup), events: { ...backup.events, count: 1 } })),
    code: "backup-damaged",
    message: /does not end where/,
  },
  {
    what: "an unknown format",
    damage: async ({ from }) => writeFile(join(from, "backup.json"), '{"format":2}'),
    code: "backup-damaged",
    message: /not of a format/,
  },
  {
    what: "a folder without a backup",
    damage: ({ from }) => rm(join(from, "backup.json")),
    code: "usage",
    message: /not a whole backup/,
  },
];
for (const { what, damage, code, message } of DAMAGES)
  test(`${what} is not restored, and nothing is left behind`, async () => {
    await using folder = await temporaryFolder();
    const made = await withBackup(folder.path);
    await damage(made);
    await assert.rejects(restore({ from: made.from, dataDir: join(folder.path, "new"), clock }), { code, message });
    assert.deepEqual((await readdir(folder.path)).sort(), ["backup", "data"]);
  });

test("nothing is restored over data, nor backed up over something else", async () => {
  await using folder = await temporaryFolder();
  const { dataDir, from } = await withBackup(folder.path);
  await assert.rejects(restore({ from, dataDir, clock }), { code: "usage", message: /not empty/ });
  await assert.rejects(backUp({ dataDir, to: dataDir, clock }), {
    code: "usage",
    message: /neither empty nor a backup/,
  });
  await assert.rejects(backUp({ dataDir: from, to: join(folder.path, "x"), clock }), {
    code: "usage",
    message: /no database/,
  });
});

test("a blob that the disk changed, or lost, ends the backup with its name", async () => {
  await using folder = await temporaryFolder();
  const { dataDir } = await withBackup(folder.path);
  const to = join(folder.path, "second");
  await rm(blobPath(dataDir, layer));
  await assert.rejects(backUp({ dataDir, to, clock }), { code: "backup-damaged", message: new RegExp(layer) });
  await writeFile(blobPath(dataDir, asDigest(layer)), "other");
  await assert.rejects(backUp({ dataDir, to, clock }), { code: "backup-damaged", message: new RegExp(layer) });
  assert.equal((await readdir(to)).includes("backup.json"), false);
});

/** Without what the result adds to the file. */
function rest({ addedBlobs: _blobs, addedBytes: _bytes, ...backup }: Awaited<ReturnType<typeof backUp>>) {
  return backup;
}
