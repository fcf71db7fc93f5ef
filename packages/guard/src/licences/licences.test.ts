import assert from "node:assert/strict";
import { test } from "node:test";
import { categoryOf } from "./category.ts";
import { formatExpression, parseExpression } from "./expression.ts";
import { licenceIds, normaliseLicence } from "./normalise.ts";

const NORMALISED: readonly (readonly [declared: string, expression: string | undefined])[] = [
  ["MIT", "MIT"],
  ["mit", "MIT"],
  ["MIT License", "MIT"],
  ["The MIT License", "MIT"],
  ["License :: OSI Approved :: MIT License", "MIT"],
  ["Expat", "MIT"],
  ["Apache License, Version 2.0", "Apache-2.0"],
  ["Apache Software License", "Apache-2.0"],
  ["Apache License 2.0", "Apache-2.0"],
  ["Apache-2.0", "Apache-2.0"],
  ["(MIT OR Apache-2.0)", "MIT OR Apache-2.0"],
  ["MIT/Apache-2.0", "MIT OR Apache-2.0"],
  ["BSD-3-clause", "BSD-3-Clause"],
  ["BSD 3-Clause License", "BSD-3-Clause"],
  ["New BSD License", "BSD-3-Clause"],
  ["GPL-2.0", "GPL-2.0-only"],
  ["GPL-2.0+", "GPL-2.0-or-later"],
  ["GPL-2+", "GPL-2.0-or-later"],
  ["GPLv2", "GPL-2.0-only"],
  ["GPLv3+", "GPL-3.0-or-later"],
  ["GPL 3", "GPL-3.0-only"],
  ["LGPL-2.1+", "LGPL-2.1-or-later"],
  ["LGPLv2.1", "LGPL-2.1-only"],
  ["GNU General Public License v3 (GPLv3)", "GPL-3.0-only"],
  ["GNU General Public License v2 or later (GPLv2+)", "GPL-2.0-or-later"],
  ["GNU Lesser General Public License v3 or later (LGPLv3+)", "LGPL-3.0-or-later"],
  ["GNU Affero General Public License v3", "AGPL-3.0-only"],
  ["AGPL-3.0-only", "AGPL-3.0-only"],
  ["GPL-2+ AND Expat", "GPL-2.0-or-later AND MIT"],
  ["GPL-2.0-only WITH Classpath-exception-2.0", "GPL-2.0-only WITH Classpath-exception-2.0"],
  ["MIT and (BSD-2-Clause or ISC)", "MIT AND (BSD-2-Clause OR ISC)"],
  ["Mozilla Public License 2.0 (MPL 2.0)", "MPL-2.0"],
  ["BSD", undefined],
  ["GPL", undefined],
  ["Proprietary", undefined],
  ["SEE LICENSE IN LICENSE.txt", undefined],
  ["MIT AND", undefined],
  ["MIT OR Whatever-1.0", undefined],
  ["", undefined],
  ["constructor", undefined],
  [`${"(".repeat(50)}MIT OR ISC${")".repeat(50)}`, undefined],
];
for (const [declared, expression] of NORMALISED)
  test(`the declared licence "${declared.slice(0, 60)}" is ${expression ?? "not understood"}`, () => {
    assert.equal(normaliseLicence(declared), expression);
    if (expression !== undefined) assert.equal(normaliseLicence(expression), expression);
  });

const CATEGORIES: readonly (readonly [declared: string | undefined, category: string])[] = [
  ["MIT", "permissive"],
  ["LGPL-2.1+", "weak-copyleft"],
  ["MPL-2.0", "weak-copyleft"],
  ["GPL-3.0-only", "strong-copyleft"],
  ["AGPL-3.0", "strong-copyleft"],
  ["GPL-2.0-only WITH Classpath-exception-2.0", "weak-copyleft"],
  ["GPL-2.0-only WITH Whatever-exception", "strong-copyleft"],
  ["MIT OR GPL-3.0-only", "permissive"],
  ["MIT AND GPL-3.0-only", "strong-copyleft"],
  ["MIT AND (LGPL-3.0-only OR GPL-3.0-only)", "weak-copyleft"],
  ["Proprietary", "unknown"],
  [undefined, "unknown"],
];
for (const [declared, category] of CATEGORIES)
  test(`${declared} is ${category}`, () => assert.equal(categoryOf(declared), category));

test("ids of an expression are told once each", () => {
  assert.deepEqual(licenceIds("MIT OR (Apache-2.0 AND MIT)"), ["MIT", "Apache-2.0"]);
  assert.deepEqual(licenceIds("whatever"), []);
});

test("references of documents and endless texts are handled", () => {
  const reference = parseExpression("DocumentRef-a:LicenseRef-b OR LicenseRef-c");
  assert.ok(reference);
  assert.equal(formatExpression(reference), "DocumentRef-a:LicenseRef-b OR LicenseRef-c");
  assert.equal(parseExpression("MIT OR ".repeat(10_000)), undefined);
});
