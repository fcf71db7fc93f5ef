import type { SecretHit } from "../model.ts";

export interface SecretReader {
  write(chunk: Buffer, at: number): number;
  hits(): { readonly hits: readonly SecretHit[]; readonly problems: readonly string[] };
}

export function createSecretReader(_path: string, _sizeBytes: number): SecretReader | undefined {
  return undefined;
}
