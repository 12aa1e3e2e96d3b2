/** The contract of `Launcher` and `LaunchedRuntime` (launcher.ts), for processes and for containers. */

import { once } from "node:events";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defaultLimits } from "@leveros/protocol";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { containerTraces } from "../../../../tests/harness/container-traces.ts";
import { systemClock } from "../clock.ts";
import { ProcessRecords } from "../processes/process-records.ts";
import type { InstanceAccess, LaunchedRuntime } from "./launcher.ts";
import { type Isolation, type OpenedLauncher, openLauncher } from "./open-launcher.ts";
import { checkContainerIsolation } from "./requirements.ts";

const hasContainers = checkContainerIsolation().every(({ found }) => found !== undefined);
const isolations: Isolation[] = hasContainers ? ["process", "oci"] : ["process"];

describe.each(isolations)("a runtime that is launched with isolation %s", (isolation) => {
  let dataDir: string;
  let opened: OpenedLauncher;

  beforeAll(async () => {
    dataDir = mkdtempSync(join(tmpdir(), "lever-launcher-"));
    chmodSync(dataDir, 0o755);
    for (const name of ["code/1", "services/dev/greeter"]) {
      mkdirSync(join(dataDir, name), { recursive: true });
    }
    const values = new Map<string, string>();
    opened = await openLauncher({
      isolation,
      dataDir,
      limits: defaultLimits,
      records: new ProcessRecords(join(dataDir, "processes")),
      notes: {
        read: async (name) => values.get(name),
        write: async (name, value) => void values.set(name, value),
      },
      clock: systemClock,
      log: () => {},
    });
  });

  afterAll(() => rmSync(dataDir, { recursive: true }));

  const access = (): InstanceAccess => ({
    environment: "dev",
    service: "greeter",
    codeDir: join(dataDir, "code", "1"),
    dataDir: join(dataDir, "services", "dev", "greeter"),
    maxCpu: undefined,
  });

  async function start(): Promise<LaunchedRuntime> {
    const runtime = opened.launcher.launch({ ram: 128, onOutput: () => {} });
    await once(runtime.socket, "readable");
    await runtime.prepared;
    return runtime;
  }

  it("sends its first bytes over the link when it has started", async () => {
    const runtime = await start();
    expect(runtime.socket.read()).toBeInstanceOf(Buffer);
    expect([runtime.pid > 0, runtime.isWarm, runtime.memoryBytes > 0]).toEqual([true, false, true]);
    runtime.kill();
    await runtime.exited;
  });

  it("ends by KILL when it is killed, and may be killed again", async () => {
    const runtime = await start();
    runtime.kill();
    runtime.kill();
    expect(await runtime.exited).toEqual({ status: undefined, signal: "SIGKILL" });
    runtime.kill();
    runtime.terminate();
    expect(existsSync(`/proc/${runtime.pid}`)).toBe(false);
  });

  it("ends when it is killed before it has started", async () => {
    const runtime = opened.launcher.launch({ ram: 128, onOutput: () => {} });
    runtime.kill();
    expect(await runtime.exited).toEqual({ status: undefined, signal: "SIGKILL" });
  });

  it("uses no memory after its exit", async () => {
    const runtime = await start();
    runtime.kill();
    await runtime.exited;
    expect(runtime.memoryBytes).toBe(0);
  });

  it("exits by itself when the host closes its end of the link", async () => {
    const runtime = await start();
    runtime.socket.destroy();
    expect(await runtime.exited).toEqual({ status: 0, signal: undefined });
  });

  it("gets TERM and decides itself whether it exits", async () => {
    const runtime = await start();
    runtime.socket.read();
    runtime.terminate();
    await once(runtime.socket, "readable");
    expect(String(runtime.socket.read())).toContain("stopping");
    runtime.kill();
    await runtime.exited;
  });

  it("is told where it sees the code and the data of its service", async () => {
    const runtime = await start();
    const { codeDir, dataDir: visibleDataDir } = (await runtime.attach?.(access())) ?? {};
    const prefix = isolation === "oci" ? "/lever/sandbox/service" : dataDir;
    expect([codeDir, visibleDataDir].every((path) => path?.startsWith(prefix))).toBe(true);
    runtime.kill();
    await runtime.exited;
  });

  it("stores data that the host can read meanwhile, wherever it is", async () => {
    const folder = join(dataDir, "services", "dev", "keeper");
    mkdirSync(folder);
    writeFileSync(join(folder, "kept"), "kept");
    const runtime = await start();
    await runtime.attach?.({ ...access(), service: "keeper", dataDir: folder });
    const data = await opened.openServiceData("dev", "keeper");
    expect(readFileSync(join(data?.dir ?? "", "kept"), "utf8")).toBe("kept");
    data?.release();
    runtime.kill();
    await runtime.exited;
  });

  it("keeps running when its service cannot be attached, until it is killed", async () => {
    const runtime = await start();
    const missing = { ...access(), service: "missing", dataDir: join(dataDir, "services/x/y") };
    const attached = runtime.attach?.({ ...missing, codeDir: join(dataDir, "code/missing") });
    await expect(attached).rejects.toThrow("ENOENT");
    expect(existsSync(`/proc/${runtime.pid}`)).toBe(true);
    runtime.kill();
    expect(await runtime.exited).toEqual({ status: undefined, signal: "SIGKILL" });
  });

  it("leaves nothing on the machine when it has been killed and the launcher is closed", async () => {
    const runtime = await start();
    await runtime.attach?.(access());
    runtime.kill();
    await opened.close();
    expect(await runtime.exited).toMatchObject({ signal: "SIGKILL" });
    expect(readdirSync(join(dataDir, "processes"))).toEqual([]);
    if (isolation === "oci") expect(containerTraces(dataDir)).toEqual([]);
  });
});
