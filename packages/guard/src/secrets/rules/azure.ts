import { decodeBase64, looksRandom } from "../proof.ts";
import type { Around, Candidate, SecretRule } from "../rule.ts";

const KEY = /AccountKey=([A-Za-z0-9+/]{86}==)/y;
const KEY_BYTES = 64;

/** Connection strings of storage accounts carry a key of 64 bytes. */
export const azure: readonly SecretRule[] = [
  {
    id: "azure-storage-key",
    title: "Azure storage account key",
    severity: "critical",
    keywords: ["AccountKey="],
    before: 200,
    after: 110,
    find: findKey,
  },
];

function findKey({ text, at }: Around): Candidate | undefined {
  KEY.lastIndex = at;
  const key = KEY.exec(text)?.[1];
  if (key === undefined || decodeBase64(key)?.length !== KEY_BYTES || !looksRandom(key, 4.5)) return undefined;
  const before = text.slice(0, at);
  // The well-known key of the storage emulator opens nothing.
  if (/AccountName=devstoreaccount1/.test(before) || key.startsWith("Eby8vdM02xNO")) return undefined;
  const start = at + "AccountKey=".length;
  const confidence = /AccountName=[a-z0-9]{3,24};/.test(before) ? "proven" : "likely";
  return { start, end: start + key.length, confidence };
}
