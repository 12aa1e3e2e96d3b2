import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { adminOf } from "../harness/admin.ts";
import { type RunningLever, startLever } from "../harness/lever.ts";
import {
  deploy,
  isRoot,
  isRunning,
  kept,
  type Look,
  lookAt,
  serviceOf,
  startEscaped,
  untilGone,
} from "../harness/looking-service.ts";

const FIRST_UID = 0x7f10_0000;

let lever: RunningLever;

beforeAll(async () => {
  lever = await startLever();
  for (const name of ["first", "second"]) await deploy(lever, name);
  const set = await lever.lever(["secret", "set", "TOKEN"], { input: "x\n" });
  expect(set.status, set.stderr).toBe(0);
  await lever.lever(["var", "set", `NODE_PROGRAM=${process.execPath}`]);
}, 30_000);

afterAll(() => lever.stop());

describe("a service that runs as a process", () => {
  let first: Look;
  let second: Look;
  const service = () => serviceOf(lever, "first");

  beforeAll(async () => {
    first = await lookAt(lever, "first");
    second = await lookAt(lever, "second");
  });

  it("a service as a process has no privileges", () => {
    expect(first).toMatchObject({
      noNewPrivileges: "1",
      core: ["0", "0"],
      capabilities: "0000000000000000",
    });
  });

  it("a service as a process cannot become root", async () => {
    expect(await service().invoke("become", 0)).toBe("EPERM");
  });

  it("the log says whether services have users of their own", async () => {
    await lever.event("host started", { users: isRoot ? "own" : "shared" });
  });

  it("a service has one user, real and effective", () => {
    const [uid] = isRoot ? first.user : [process.getuid?.()];
    expect(first.user).toEqual([uid, uid]);
  });

  it("a service has a user and a group of its own", { tags: ["needs-root"] }, () => {
    const [uid] = first.user;
    expect(uid).toBeGreaterThanOrEqual(FIRST_UID);
    expect(new Set(first.groups)).toEqual(new Set([uid]));
    expect(second.user[0]).not.toBe(uid);
  });

  it("a service cannot read the files of its host", async () => {
    for (const path of kept(lever)) {
      expect(await service().invoke("read", path), path).toBe("ENOENT");
    }
  });

  it("programs of a service cannot read the files of its host", {
    tags: ["needs-root"],
  }, async () => {
    // Node's permissions do not hold for other programs. The user of its own does.
    for (const path of kept(lever)) {
      expect(await service().invoke("ask", path), path).toBe("failed");
    }
  });

  it.each(["/root", "/proc/self/environ", "/proc/self/root/etc", "/etc/shadow"])(
    "a service cannot read %s",
    async (path) => {
      expect(await service().invoke("read", path)).toBe("ENOENT");
    },
  );

  it("a service writes its data and its temporary files", async () => {
    expect(await service().invoke("write", join(first.data, "x"))).toBe("done");
    expect(await service().invoke("write", join(first.temporary, "x"))).toBe("done");
  });

  it("a service reads its code", async () => {
    expect(await service().invoke("read", join(first.code, "server.js"))).toBe("done");
  });

  it("a service cannot write its code or anything else", async () => {
    const paths = [join(first.code, "server.js"), join(lever.dataDir, "x"), "/usr/x", "/var/x"];
    for (const path of paths) {
      expect(await service().invoke("write", path), path).toBe("EACCES");
    }
  });

  it("a service can start programs", async () => {
    expect(await service().invoke("ask", "/etc/passwd")).toBe("done");
    expect(await service().invoke("node")).toBe("2\n");
  });

  it("a program that leaves its session ends with its instance", async () => {
    const pid = await startEscaped(lever, "second");
    expect(isRunning(pid)).toBe(true);
    await expect(serviceOf(lever, "second").invoke("quit")).rejects.toThrow("exited");
    await untilGone(pid);
  });

  it("a service can start threads", async () => {
    expect(await service().invoke("work")).toBe("part");
  });

  it("a service can import its packages, leveros and TypeScript", async () => {
    expect(await service().invoke("meet")).toBe("Client23");
  });

  describe("beside another one", () => {
    const outcome = isRoot ? "EACCES" : "done";

    beforeAll(async () => {
      await serviceOf(lever, "second").invoke("write", join(second.data, "own"));
    });

    it("a service reads files of another one only where they share a user", async () => {
      const { data, code } = second;
      for (const path of [data, join(data, "own"), code, join(code, "server.js")]) {
        expect(await service().invoke("read", path), path).toBe(outcome);
        expect(await service().invoke("ask", path), path).toBe(isRoot ? "failed" : "done");
      }
    });

    it("a service writes files of another one only where they share a user", async () => {
      expect(await service().invoke("write", join(second.data, "own"))).toBe(outcome);
    });
  });
});

describe.each([
  ["the module", "eat"],
  ["a program", "feed"],
])("a call whose %s needs more memory than the service has", (user, method) => {
  const limit = /more memory than the 128 MB that [\\"]+ram[\\"]+ allots it \(it had \d+\.\d MB\)/;
  let outcome: unknown;
  let failed: { instance: string; reason: string } | undefined;

  beforeAll(async () => {
    outcome = await serviceOf(lever, "second").invoke(method).catch(String);
    const events = await lever.lever(["events", "second", "--json"]);
    failed = events.stdout
      .split("\n")
      .filter((line) => line.includes("instance failed"))
      .map((line) => JSON.parse(line) as { instance: string; reason: string })
      .at(-1);
  });

  it(`a call fails with the ram when ${user} needs too much memory`, () => {
    expect(outcome).toMatch(limit);
  });

  it(`lever events says that ${user} needed too much memory`, () => {
    expect(failed?.reason).toMatch(limit);
  });

  it(`lever why says that ${user} needed too much memory`, async () => {
    const why = await lever.lever(["why", failed?.instance ?? ""]);
    expect(why.stdout).toMatch(limit);
  });
});

describe("users of services after a crash, and after their service was removed", () => {
  let stays: Look;
  let goes: Look;
  let comes: Look;
  let after: Look;
  let outcome: unknown;

  beforeAll(async () => {
    await using host = await startLever();
    await adminOf(host).invoke("createEnvironment", "other.lever");
    await deploy(host, "stays");
    await deploy(host, "goes", "other.lever");
    stays = await lookAt(host, "stays");
    goes = await lookAt(host, "goes", "other.lever");
    await serviceOf(host, "stays").invoke("write", join(stays.data, "kept"));
    await adminOf(host).invoke("removeEnvironment", "other.lever", { force: true });
    const escaped = await startEscaped(host, "stays");
    await host.kill();
    await untilGone(escaped);
    await using again = await startLever({ dataDir: host.dataDir });
    await deploy(again, "comes");
    after = await lookAt(again, "stays");
    outcome = await serviceOf(again, "stays").invoke("read", join(stays.data, "kept"));
    comes = await lookAt(again, "comes");
  }, 60_000);

  it("a service keeps its user through a crash of the host", () => {
    expect(after.user).toEqual(stays.user);
  });

  it("a service reads its data after a crash of the host", () => {
    expect(outcome).toBe("done");
  });

  it("the user of a removed service is never given to another", () => {
    const users = new Set([stays, goes, comes].map(({ user }) => user[0]));
    expect(users.size).toBe(isRoot ? 3 : 1);
  });
});
