/** A provisioning token; its secret is known only to whoever made it. */
export interface ProvisioningTokensTable {
  readonly project: string;
  readonly id: string;
  /** SHA-256 of the secret, hex. */
  readonly secret_hash: string;
  readonly description: string;
  /** JSON object. */
  readonly labels: string;
  readonly max_uses: number;
  readonly uses: number;
  readonly created_at: string;
  readonly created_by: string;
  readonly expires_at: string;
  readonly revoked_at: string | null;
}

/** A device. The id stays; the key is what proves it. */
export interface DevicesTable {
  readonly project: string;
  readonly id: string;
  readonly name: string;
  /** SPKI DER of an Ed25519 key, base64. */
  readonly public_key: string;
  /** SHA-256 of that DER, hex; unique on the whole server. */
  readonly key_fingerprint: string;
  /** JSON object. */
  readonly labels: string;
  readonly time_zone: string;
  /** JSON of `DeviceFacts`. */
  readonly facts: string | null;
  readonly enrolled_at: string;
  /** Id of the provisioning token. */
  readonly enrolled_with: string;
  readonly revoked_at: string | null;
  /** Written in batches; presence itself is in memory. */
  readonly last_seen_at: string | null;
  /** Boot and agent start that `report_seq` counts within: `<bootId>/<instanceId>`. */
  readonly report_epoch: string | null;
  readonly report_seq: number;
  /** The server's and the device's clock at the last report. */
  readonly reported_at: string | null;
  readonly reported_device_time: string | null;
  readonly reported_target_version: number;
}

/** What a device last said of one app. */
export interface DeviceAppsTable {
  readonly project: string;
  readonly device: string;
  readonly app: string;
  /** JSON of `AppState`. */
  readonly state: string;
  readonly reported_at: string;
}

/** The last target of a device. */
export interface DeviceTargetsTable {
  readonly project: string;
  readonly device: string;
  readonly version: number;
  readonly issued_at: string;
  /** JSON of {@link import("../targets/targets.ts").TargetSummary}: no values of variables. */
  readonly apps: string;
  /** The `apps` of the target document, sealed: it holds the values of secrets. */
  readonly sealed_apps: string;
  /** JSON: app → problem. */
  readonly problems: string;
}

/** Tables of this feature. */
export interface DeviceTables {
  readonly provisioning_tokens: ProvisioningTokensTable;
  readonly devices: DevicesTable;
  readonly device_apps: DeviceAppsTable;
  readonly device_targets: DeviceTargetsTable;
}
