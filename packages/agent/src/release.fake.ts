import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { canonicalJson } from "@flotilla/base/canonical-json";
import type { Digest } from "@flotilla/base/digest";
import type { NormalisedApp, Service } from "@flotilla/compose/app";
import { sha256 } from "@flotilla/oci/hash";
import { MEDIA_TYPES } from "@flotilla/oci/media-types";
import { type Envelope, preAuthEncoding, TARGET_PAYLOAD_TYPE } from "@flotilla/protocol/dsse";
import {
  COMPOSE_LAYER_TYPE,
  RELEASE_ARTIFACT_TYPE,
  RELEASE_CONFIG_TYPE,
  type ReleaseDocument,
  type ReleaseImage,
} from "@flotilla/protocol/release";
import type { AppTarget, TargetDocument } from "@flotilla/protocol/target";
import { BEHAVIOUR_LABEL, type Behaviour, formatBehaviour } from "./behaviour.fake.ts";
import { type MemoryRegistry, putBlob } from "./device.fake.ts";

const LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar";

/** A service with every required field; give what differs. */
export function fakeService(given: Partial<Service> & { readonly image: string }): Service {
  return {
    environment: {},
    labels: {},
    ports: [],
    expose: [],
    networks: { default: {} },
    mounts: [],
    configs: [],
    secrets: [],
    dependsOn: {},
    restart: { policy: "unless-stopped" },
    stopGracePeriodMs: 10_000,
    capAdd: [],
    capDrop: [],
    readOnly: false,
    devices: [],
    tmpfs: [],
    resources: {},
    replicas: 1,
    ...given,
  };
}

/** An app with the default network; give what differs. */
export function fakeApp(
  services: Readonly<Record<string, Service>>,
  given: Partial<NormalisedApp> = {},
): NormalisedApp {
  const empty = { volumes: {}, configs: {}, secrets: {}, variables: {} };
  return { format: 1, name: "shop", networks: { default: {} }, ...empty, services, ...given };
}

export interface FakeReleaseOptions {
  readonly registry: MemoryRegistry;
  readonly app: NormalisedApp;
  /** Behaviour by image reference; images not named here run. */
  readonly images?: Readonly<Record<string, Behaviour>>;
  readonly platform?: { readonly os: string; readonly architecture: string };
}

/** Makes a release artifact and its images in `registry`; returns the release digest. */
export function makeRelease(options: FakeReleaseOptions): Digest {
  const { registry, app } = options;
  const images: Record<string, ReleaseImage> = {};
  for (const { image } of Object.values(app.services))
    images[image] = makeImage(image, options.images?.[image] ?? { kind: "runs" }, options);
  const compose = putBlob(registry, canonicalJson(app));
  const document: ReleaseDocument = {
    format: 1,
    app: app.name,
    createdAt: "2026-11-24T00:00:00.000Z",
    compose,
    images,
  };
  const config = canonicalJson(document);
  const sizeOf = (digest: Digest) => registry.get(digest)?.length ?? 0;
  const configDigest = putBlob(registry, config);
  return putBlob(
    registry,
    canonicalJson({
      schemaVersion: 2,
      mediaType: MEDIA_TYPES.ociManifest,
      artifactType: RELEASE_ARTIFACT_TYPE,
      config: { mediaType: RELEASE_CONFIG_TYPE, digest: configDigest, size: sizeOf(configDigest) },
      layers: [{ mediaType: COMPOSE_LAYER_TYPE, digest: compose, size: sizeOf(compose) }],
    }),
  );
}

function makeImage(reference: string, behaviour: Behaviour, options: FakeReleaseOptions): ReleaseImage {
  const { registry } = options;
  const platform = options.platform ?? { os: "linux", architecture: "amd64" };
  const layer = putBlob(registry, `layer of ${reference}`);
  const config = putBlob(
    registry,
    canonicalJson({
      ...platform,
      rootfs: { type: "layers", diff_ids: [layer] },
      config: { Labels: { [BEHAVIOUR_LABEL]: formatBehaviour(behaviour) } },
    }),
  );
  const manifest = sha256(`manifest of ${reference}`);
  const sizeBytes = registry.get(layer)?.length ?? 0;
  return {
    reference,
    repository: `default/${reference.split(":")[0]}`,
    digest: manifest,
    platforms: [
      {
        ...platform,
        manifest,
        config,
        configSizeBytes: registry.get(config)?.length ?? 0,
        layers: [{ mediaType: LAYER_TYPE, digest: layer, sizeBytes, diffId: layer }],
      },
    ],
  };
}

/** A target key with the means to sign. */
export interface FakeSigner {
  readonly publicKey: string;
  readonly sign: (document: TargetDocument) => Envelope;
}

export function createFakeSigner(): FakeSigner {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  return {
    publicKey: publicKey.export({ format: "der", type: "spki" }).toString("base64"),
    sign: (document) => signEnvelope(document, privateKey),
  };
}

/** What a target says of one app. */
export function fakeTarget(release: Digest, variables: Readonly<Record<string, string>> = {}, app = "shop"): AppTarget {
  return { release, repository: `default/${app}`, variables, variablesHash: sha256(canonicalJson(variables)) };
}

function signEnvelope(document: TargetDocument, key: KeyObject): Envelope {
  const payload = new TextEncoder().encode(JSON.stringify(document));
  const sig = sign(null, preAuthEncoding(TARGET_PAYLOAD_TYPE, payload), key).toString("base64");
  return {
    payloadType: TARGET_PAYLOAD_TYPE,
    payload: Buffer.from(payload).toString("base64"),
    signatures: [{ keyid: "target", sig }],
  };
}
