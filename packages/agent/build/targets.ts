/** A platform the agent is built for, and the pinned runtime it is built from: an npm package, checked by its integrity. */
export interface Target {
  readonly name: string;
  readonly architecture: "amd64" | "arm64";
  readonly bunTarget: string;
  readonly package: string;
  readonly integrity: string;
}

export const BUN_VERSION = "1.4.5";

/** `npm view PACKAGE@VERSION dist.integrity` gives the integrity when the version is raised. */
export const TARGETS: readonly Target[] = [
  {
    name: "linux-x64",
    architecture: "amd64",
    bunTarget: "bun-linux-x64",
    package: "@oven/bun-linux-x64",
    integrity: "sha512-IWX9BELoGHAUtMonkeSaNaZwXzRk+oDw6Mk+HBFXd3KHYIBNBsIGRupMZPcgNoDbJpLu6gAJjIoIVPZtt1aJ1g==",
  },
  {
    name: "linux-arm64",
    architecture: "arm64",
    bunTarget: "bun-linux-arm64",
    package: "@oven/bun-linux-aarch64",
    integrity: "sha512-4BXmsSKnjOrlGWqZV4x/oWa7AVoR+B6lCXddMzOAXBIm3t50eslg9wb66gmtW1AamEQ1l1CDvmmruysEhqOWMg==",
  },
  {
    name: "linux-x64-musl",
    architecture: "amd64",
    bunTarget: "bun-linux-x64-musl",
    package: "@oven/bun-linux-x64-musl",
    integrity: "sha512-10QoW/YfTgnURaGEaHpJCiXjLI2e5iTtfVDaA5JKcyUzaa1cq6cVUY9/Uq5XkYzvtRjHLRe9Oj/lTDIQcxy8HQ==",
  },
  {
    name: "linux-arm64-musl",
    architecture: "arm64",
    bunTarget: "bun-linux-arm64-musl",
    package: "@oven/bun-linux-aarch64-musl",
    integrity: "sha512-XCNc+WvvMAdNNb+OWTogpy+N9wm62fkVeEVLb6how0RZhW5LPi6c7BlkeVCuWps7XjEl2saFpHFa20/1E+PAHg==",
  },
];
