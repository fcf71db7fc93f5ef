import type { InventoryCase } from "../contract.cases.ts";
import { makeBdb, makeNdb, makeSqlite } from "./database.cases.ts";
import { type FixturePackage, makeHeader } from "./header.cases.ts";

const PACKAGES: readonly FixturePackage[] = [
  {
    name: "openssl-libs",
    version: "3.0.7",
    release: "27.el9",
    epoch: 1,
    architecture: "x86_64",
    sourceRpm: "openssl-3.0.7-27.el9.src.rpm",
    vendor: "AlmaLinux",
    licence: "ASL 2.0",
    padding: 3000,
  },
  { name: "gpg-pubkey", version: "fd431d51", release: "4ae0493b" },
  { name: "kernel", version: "5.14.0", release: "427.el9", architecture: "x86_64", sourceRpm: "(none)", epoch: 0 },
  { name: "bad name", version: "1", release: "1" },
  { name: "hyphen", version: "1-2", release: "1" },
];
const HEADERS = PACKAGES.map(makeHeader);
const FOUND = [
  "pkg:rpm/almalinux/openssl-libs@3.0.7-27.el9?arch=x86_64&epoch=1 installed licence:ASL 2.0 source:openssl@1:3.0.7-27.el9",
  "pkg:rpm/unknown/kernel@5.14.0-427.el9?arch=x86_64 installed source:kernel@5.14.0-427.el9",
];
const PROBLEMS = ["malformed: package name", "malformed: version of hyphen"];
const many = Array.from({ length: 60 }, (_, index) =>
  makeHeader({ name: `p${String(index).padStart(2, "0")}`, version: "1", release: "1", padding: 40 * index }),
);
const MANY_FOUND = many.map((_, index) => {
  const name = `p${String(index).padStart(2, "0")}`;
  return `pkg:rpm/unknown/${name}@1-1 installed source:${name}@1-1`;
});

/** A leaf whose parent is itself: the right-most child of the tree's root points back at the root. */
function circular(): Buffer {
  const bytes = Buffer.from(makeSqlite(many, 512));
  for (let page = 1; page * 512 < bytes.length; page++)
    if (bytes[page * 512] === 0x05) bytes.writeUInt32BE(page + 1, page * 512 + 8);
  return bytes;
}

export const cases: readonly InventoryCase[] = [
  {
    name: "rpmdb.sqlite: epochs, sources, what is malformed",
    path: "var/lib/rpm/rpmdb.sqlite",
    content: makeSqlite(HEADERS, 4096),
    packages: FOUND,
    problems: PROBLEMS,
  },
  {
    name: "rpmdb.sqlite of several pages, with rows that overflow",
    path: "usr/lib/sysimage/rpm/rpmdb.sqlite",
    content: makeSqlite(many, 512),
    packages: MANY_FOUND,
  },
  {
    name: "Packages.db (ndb)",
    path: "usr/lib/sysimage/rpm/Packages.db",
    content: makeNdb(HEADERS),
    packages: FOUND,
    problems: PROBLEMS,
  },
  {
    name: "Packages (Berkeley DB)",
    path: "var/lib/rpm/Packages",
    content: makeBdb(HEADERS, true),
    packages: FOUND,
    problems: PROBLEMS,
  },
  {
    name: "Packages (Berkeley DB, the other byte order)",
    path: "var/lib/rpm/Packages",
    content: makeBdb(HEADERS, false),
    packages: FOUND,
    problems: PROBLEMS,
  },
  { name: "an empty database", path: "var/lib/rpm/Packages", content: "", packages: [] },
  {
    name: "no database at all",
    path: "var/lib/rpm/rpmdb.sqlite",
    content: "no database ".repeat(100),
    packages: [],
    problems: ["malformed: not a SQLite database"],
  },
  {
    name: "a SQLite database of something else",
    path: "var/lib/rpm/rpmdb.sqlite",
    content: Buffer.from(makeSqlite([], 512).toString("latin1").replaceAll("Packages", "Pockages"), "latin1"),
    packages: [],
    problems: ["malformed: a SQLite database without"],
  },
  {
    name: "a journal with pages that the database does not have yet",
    path: "var/lib/rpm/rpmdb.sqlite-wal",
    content: Buffer.alloc(5000),
    packages: [],
    problems: ["unread-journal: "],
  },
];

/** Cases whose findings are not told one by one: they end. */
export const hostile: readonly Buffer[] = [circular()];
