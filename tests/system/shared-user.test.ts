import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type RunningLever, startLever } from "../harness/lever.ts";
import {
  deploy,
  isRoot,
  kept,
  type Look,
  lookAt,
  OTHER_UID,
  serviceOf,
  startEscaped,
  untilGone,
} from "../harness/looking-service.ts";

describe("a host that is not root", () => {
  let host: RunningLever;
  let look: Look;

  beforeAll(async () => {
    host = await startLever(isRoot ? { uid: OTHER_UID } : {});
    await deploy(host, "first");
    await host.lever(["secret", "set", "TOKEN"], { input: "x\n" });
    look = await lookAt(host, "first");
  });

  afterAll(() => host?.stop());

  it("services of a host that is not root run as its user", () => {
    expect(look.user[0]).toBe(isRoot ? OTHER_UID : process.getuid?.());
  });

  it("Node's permissions keep services from the files of a host that is not root", async () => {
    for (const path of kept(host)) {
      expect(await serviceOf(host, "first").invoke("read", path), path).toBe("ENOENT");
    }
  });

  it("services of a host that is not root write their data, not their code", async () => {
    const { data, code } = look;
    expect(await serviceOf(host, "first").invoke("write", join(data, "x"))).toBe("done");
    expect(await serviceOf(host, "first").invoke("write", join(code, "x"))).toBe("EACCES");
  });

  it("services of a host that is not root find their data writable, not their code", async () => {
    const { data, code } = look;
    expect(await serviceOf(host, "first").invoke("mayWrite", data)).toBe("done");
    expect(await serviceOf(host, "first").invoke("mayWrite", code)).toBe("EACCES");
  });

  it("services of a host that is not root import packages", async () => {
    expect(await serviceOf(host, "first").invoke("meet")).toBe("Client23");
  });

  it("a program that leaves its session ends with an instance that is not root", async () => {
    const pid = await startEscaped(host, "first");
    await expect(serviceOf(host, "first").invoke("quit")).rejects.toThrow("exited");
    await untilGone(pid);
  });

  it("the log of a host that is not root says that services share a user", async () => {
    await host.event("host started", {
      users: "shared",
      sharedUserReason: "Lever does not run as root",
    });
  });

  it("a program that leaves its session ends with a killed host that is not root", async () => {
    const pid = await startEscaped(host, "first");
    await host.kill();
    await untilGone(pid);
  });
});

describe("a data folder that other users cannot reach", () => {
  let closed: string;
  let host: RunningLever;
  let reason: string;

  beforeAll(async () => {
    closed = mkdtempSync(join(tmpdir(), "lever-closed-"));
    const dataDir = join(closed, "data");
    mkdirSync(dataDir);
    chmodSync(closed, 0o700);
    reason = isRoot ? `other users cannot pass through ${closed}` : "does not run as root";
    host = await startLever({ dataDir });
    await deploy(host, "first");
  });

  afterAll(async () => {
    await host?.stop();
    rmSync(closed, { recursive: true });
  });

  it("services run as the host's user where others cannot reach the data folder", async () => {
    expect((await lookAt(host, "first")).user[0]).toBe(process.getuid?.());
  });

  it("the log names the folder that other users cannot pass through", async () => {
    await host.event("host started", { sharedUserReason: new RegExp(RegExp.escape(reason)) });
  });

  it("the log warns of services that run as root", () => {
    const warned = host.events().some(({ msg }) => msg === "services run as root");
    expect(warned).toBe(isRoot);
  });

  it("lever doctor names the folder that other users cannot pass through", async () => {
    const doctor = await host.lever(["doctor", "--data", host.dataDir]);
    expect(doctor.stdout).toContain(reason);
  });
});

it("services write data and import packages when the data folder is a link", async () => {
  const real = mkdtempSync(join(tmpdir(), "lever-real-"));
  const link = `${real}-link`;
  symlinkSync(real, link);
  const host = await startLever({ dataDir: link });
  try {
    await deploy(host, "first");
    const { data } = await lookAt(host, "first");
    expect(await serviceOf(host, "first").invoke("write", join(data, "x"))).toBe("done");
    expect(await serviceOf(host, "first").invoke("meet")).toBe("Client23");
  } finally {
    await host.stop();
    rmSync(link);
    rmSync(real, { recursive: true });
  }
}, 20_000);
