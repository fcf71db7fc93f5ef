import type { InventoryCase } from "../contract.cases.ts";

const lock = {
  packages: [
    {
      name: "Symfony/http-kernel",
      version: "v5.4.20",
      require: { php: ">=7.2", "psr/log": "^1" },
      license: ["MIT"],
      dist: { type: "zip" },
    },
    { name: "psr/log", version: "1.1.4", license: ["MIT", "GPL-2.0-only"] },
    { name: "acme/branch", version: "dev-main" },
    { name: "acme/local", version: "1.0.0", dist: { type: "path", url: "../local" } },
    { name: "../evil", version: "1.0.0" },
  ],
  "packages-dev": [{ name: "phpunit/phpunit", version: "9.6.0", require: { "psr/log": "*" } }],
};

const installed = {
  packages: [
    { name: "psr/log", version: "1.1.4", version_normalized: "1.1.4.0", license: ["MIT"] },
    { name: "phpunit/phpunit", version: "9.6.0", require: { "psr/log": "*" } },
  ],
  dev: true,
  "dev-package-names": ["phpunit/phpunit"],
};

export const cases: readonly InventoryCase[] = [
  {
    name: "composer.lock",
    path: "app/composer.lock",
    content: JSON.stringify(lock),
    packages: [
      "pkg:composer/phpunit/phpunit@9.6.0 dev",
      "pkg:composer/psr/log@1.1.4 licence:MIT OR GPL-2.0-only by:phpunit@9.6.0 by:http-kernel@v5.4.20",
      "pkg:composer/symfony/http-kernel@v5.4.20 licence:MIT",
    ],
    problems: ["malformed: 1 that cannot be read: ../evil", "no-version: 2 from a URL or a folder"],
  },
  {
    name: "installed by Composer 2",
    path: "app/vendor/composer/installed.json",
    content: JSON.stringify(installed),
    packages: [
      "pkg:composer/phpunit/phpunit@9.6.0 installed dev",
      "pkg:composer/psr/log@1.1.4 installed licence:MIT by:phpunit@9.6.0",
    ],
  },
  {
    name: "installed by Composer 1",
    path: "vendor/composer/installed.json",
    content: JSON.stringify([{ name: "psr/log", version: "1.0.0" }]),
    packages: ["pkg:composer/psr/log@1.0.0 installed"],
  },
  {
    name: "no list",
    path: "vendor/composer/installed.json",
    content: "{}",
    packages: [],
    problems: ["malformed: no list of packages"],
  },
];
