import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { sha256 } from "@flotilla/oci/hash";
import type { SecretHit } from "../model.ts";
import { isScanned } from "./allowed.ts";
import { createAutomaton } from "./automaton.ts";
import { createSecretReader } from "./reader.ts";
import { MAX_AFTER_BYTES, MAX_BEFORE_BYTES } from "./rule.ts";
import { rules } from "./rules/index.ts";
import { cases, pick, type RuleCase } from "./rules/rules.cases.ts";

/** Looks through `bytes` in pieces, each overwritten after use as buffers are. */
function look(bytes: Buffer, pieceBytes: number, path = "srv/app/config") {
  const reader = createSecretReader(path, bytes.length);
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    const piece = Buffer.from(bytes.subarray(at, at + pieceBytes));
    const next = reader.write(piece, at);
    piece.fill(0x2d);
    if (next > bytes.length) break;
  }
  return reader.result();
}

function summary(hits: readonly SecretHit[]) {
  return hits.map(({ rule, confidence }) => `${rule} ${confidence}`);
}

describe("secret rules", () => {
  for (const test of cases) {
    it(`${test.rule}: ${test.name}`, () => check(test));
  }

  it("each has a positive and a near miss", () => {
    for (const { id } of rules) {
      assert.ok(
        cases.some(({ rule, confidence }) => rule === id && confidence !== undefined),
        `${id} has no positive`,
      );
      assert.ok(
        cases.some(({ rule, confidence }) => rule === id && confidence === undefined),
        `${id} has no near miss`,
      );
    }
    assert.equal(new Set(rules.map(({ id }) => id)).size, rules.length);
  });

  it("each keeps to the bounds", () => {
    for (const { id, before, after, keywords } of rules) {
      assert.ok(before <= MAX_BEFORE_BYTES && after <= MAX_AFTER_BYTES, id);
      assert.ok(
        keywords.every((keyword) => keyword.length >= 3),
        id,
      );
    }
  });
});

/** At the start, deep in a file of other text, and at its very end; whole and in pieces. */
function check({ rule, text, confidence }: RuleCase): void {
  const filler = "one line of nothing in particular\n".repeat(400);
  const expected = confidence === undefined ? [] : [`${rule} ${confidence}`];
  const placed: readonly [string, number][] = [
    [`${text}\n${filler}`, 1],
    [`${filler}${text}\n${filler}`, 401],
    [`${filler}${text}`, 401],
  ];
  for (const [whole, firstLine] of placed) {
    const bytes = Buffer.from(whole);
    for (const pieceBytes of [bytes.length, 4096, 333]) {
      const { hits, problems } = look(bytes, pieceBytes);
      assert.deepEqual(summary(hits), expected);
      assert.deepEqual(problems, []);
      for (const hit of hits) {
        assert.ok((hit.location.line ?? 0) >= firstLine && (hit.location.line ?? 0) < firstLine + 20);
        assert.ok(!JSON.stringify(hit).includes(text.slice(5, 25)), "a hit never holds the secret");
      }
    }
  }
}

const token = cases.find(({ name, rule }) => rule === "github-token" && name === "with its checksum")?.text ?? "";

describe("secret reader", () => {
  it("says where, and keeps no more than the first characters and a hash", () => {
    const { hits } = look(Buffer.from(`a\nb\n  ${token}\n`), 7, "etc/app.conf");
    const secret = token.slice("token=".length);
    assert.deepEqual(hits, [
      {
        rule: "github-token",
        title: "GitHub token",
        confidence: "proven",
        severity: "critical",
        sample: "ghp_… (40 characters)",
        fingerprint: sha256(secret),
        location: { path: "etc/app.conf", line: 3 },
      },
    ]);
  });

  it("reports a secret once a file", () => {
    assert.equal(look(Buffer.from(`${token}\n`.repeat(50)), 100).hits.length, 1);
  });

  it("passes over binary files", () => {
    assert.deepEqual(look(Buffer.from(`\0${token}`), 4096), { hits: [], problems: [], isBinary: true });
  });

  it("reads what there is of a file that is cut short", () => {
    const reader = createSecretReader("a", 100_000);
    reader.write(Buffer.from(`${token}\nand more`), 0);
    assert.equal(reader.result().hits.length, 1);
  });

  it("ends a file made of keywords as a problem", () => {
    const { problems } = look(Buffer.from("-----BEGIN ".repeat(200_000)), 65_536);
    assert.match(problems[0] ?? "", /^too-many-keywords: /);
  });

  it("bounds the secrets of one file", () => {
    const lines = Array.from(
      { length: 300 },
      (_, index) => `AKIA${pick("BCDFGHJKLMNPQRTVWXZ234567", 16, 100 + index)}\n`,
    );
    const { hits, problems } = look(Buffer.from(lines.join("\n".repeat(450))), 65_536);
    assert.equal(hits.length, 200);
    assert.match(problems[0] ?? "", /^too-many-secrets: /);
  });

  it("leaves out lists, documentation and the tests of others", () => {
    for (const path of [
      "package-lock.json",
      "usr/share/doc/x/README",
      "app/node_modules/tls/test/key.pem",
      "usr/lib/python3.11/test/keycert.pem",
      "logo.png",
    ])
      assert.ok(!isScanned(path), path);
    for (const path of [
      "app/test/key.pem",
      "root/.aws/credentials",
      "app/node_modules/tls/lib/key.pem",
      "etc/ssl/private/server.key",
      ".env",
    ])
      assert.ok(isScanned(path), path);
  });
});

describe("automaton", () => {
  it("finds what a plain search finds, in any case and in pieces", () => {
    const words = ["he", "she", "his", "hers", "a_b", "-----b"];
    const automaton = createAutomaton(words.map((text) => ({ text, value: text })));
    const text = "uSHErs HIS a_B she-----bhe hhe\xff".repeat(3);
    const expected = words.flatMap((word) =>
      [...text.toLowerCase().matchAll(new RegExp(`(?=${word})`, "g"))].map(({ index }) => `${index} ${word}`),
    );
    for (const pieceBytes of [1, 3, 1000]) {
      const found: string[] = [];
      let state = automaton.start;
      for (let at = 0; at < text.length; at += pieceBytes)
        state = automaton.scan(Buffer.from(text.slice(at, at + pieceBytes), "latin1"), state, (keywords, index) => {
          for (const keyword of keywords) found.push(`${at + index + 1 - keyword.text.length} ${keyword.text}`);
        });
      assert.deepEqual(found.sort(), expected.sort());
    }
  });

  it("refuses what its table cannot hold", () => {
    const alphabet = Array.from({ length: 70 }, (_, index) => String.fromCharCode(0x80 + index)).join("");
    assert.throws(() => createAutomaton([{ text: alphabet, value: 0 }]), RangeError);
  });
});
