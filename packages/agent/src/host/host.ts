import { createSocket } from "node:dgram";
import { readFile, statfs } from "node:fs/promises";
import { createServer } from "node:net";
import { hostname } from "node:os";
import type { Host } from "../ports.ts";
import { probeHttp, probeTcp } from "./probe.ts";

const MEMINFO = "/proc/meminfo";
const BOOT_ID = "/proc/sys/kernel/random/boot_id";

export interface HostOptions {
  /** The file system whose size is told: that of the agent's state. */
  readonly folder: string;
  /** IANA name from the configuration; the machine's own when absent. */
  readonly timeZone?: string | undefined;
}

/** This Linux machine. */
export async function openHost(options: HostOptions): Promise<Host> {
  const bootId = (await readOr(BOOT_ID, "")).trim() || `unknown-${process.pid}`;
  return {
    bootId,
    async facts() {
      const { blocks, bsize } = await statfs(options.folder);
      return {
        hostname: hostname().slice(0, 300),
        os: (await osName()).slice(0, 300),
        diskBytes: blocks * bsize,
        timeZone: options.timeZone ?? (await machineTimeZone()),
      };
    },
    async availableMemoryBytes() {
      const match = /^MemAvailable:\s+(\d+) kB$/m.exec(await readFile(MEMINFO, "utf8"));
      return match === null ? 0 : Number(match[1]) * 1024;
    },
    portIsFree: (port, protocol, hostIp) => (protocol === "tcp" ? tcpIsFree(port, hostIp) : udpIsFree(port, hostIp)),
    probe(probe, signal) {
      return probe.kind === "http" ? probeHttp(probe, signal) : probeTcp(probe, signal);
    },
  };
}

/** `Debian GNU/Linux 12 (bookworm)`: what the distribution calls itself (os-release(5)). */
async function osName(): Promise<string> {
  const text = (await readOr("/etc/os-release", "")) || (await readOr("/usr/lib/os-release", ""));
  return /^PRETTY_NAME="?([^"\n]+)"?$/m.exec(text)?.[1] ?? "Linux";
}

async function machineTimeZone(): Promise<string> {
  const named = (await readOr("/etc/timezone", "")).trim();
  return named || Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
}

async function readOr(path: string, fallback: string): Promise<string> {
  return readFile(path, "utf8").catch(() => fallback);
}

function tcpIsFree(port: number, hostIp: string | undefined): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen({ port, host: hostIp ?? "0.0.0.0", exclusive: true }, () => server.close(() => resolve(true)));
  });
}

function udpIsFree(port: number, hostIp: string | undefined): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createSocket(hostIp?.includes(":") ? "udp6" : "udp4");
    socket.once("error", () => {
      socket.close();
      resolve(false);
    });
    socket.bind({ port, address: hostIp ?? "0.0.0.0", exclusive: true }, () => socket.close(() => resolve(true)));
  });
}
