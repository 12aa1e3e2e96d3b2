import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { claimHost, findGoneHosts, releaseHost, withHostsLock } from "./host-claims.ts";

describe.runIf(process.platform === "linux")("the claims of hosts", () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), "lever-claims-"));
  });
  afterEach(() => rmSync(dir, { recursive: true }));

  /** Writes the claim of this process with other values. */
  function claim(changes: object): void {
    claimHost("abc", dir);
    const file = join(dir, "abc.host");
    const claimed = JSON.parse(readFileSync(file, "utf8")) as object;
    writeFileSync(file, JSON.stringify({ ...claimed, ...changes }));
  }

  it.each<[string, object, boolean]>([
    ["of a process that runs", {}, false],
    ["of a pid that no process has", { pid: 2 ** 30 }, true],
    ["of a pid that another process has now", { startTime: "1" }, true],
    ["from before a restart of the machine", { boot: "another" }, true],
    ["of another pid namespace", { pidNamespace: "pid:[1]", pid: 2 ** 30 }, false],
    ["that lacks a value", { pid: undefined }, false],
  ])("a claim %s: its host is gone only if that is certain", (_, changes, isGone) => {
    claim(changes);
    expect(findGoneHosts(dir)).toEqual(isGone ? ["abc"] : []);
  });

  it("a file that is no claim, and a folder without one, belong to no host that is gone", () => {
    writeFileSync(join(dir, "abc.host"), "{");
    expect(findGoneHosts(dir)).toEqual([]);
    expect(findGoneHosts(join(dir, "missing"))).toEqual([]);
  });

  it("a released claim is no longer there", () => {
    claimHost("abc", dir);
    releaseHost("abc", dir);
    expect(readdirSync(dir)).toEqual([]);
  });

  it("work with the lock runs one after the other, also after a failure", async () => {
    const order: string[] = [];
    const first = withHostsLock(async () => {
      order.push("first begins");
      await new Promise(setImmediate);
      order.push("first ends");
      throw new Error("no");
    }, dir);
    const second = withHostsLock(async () => void order.push("second"), dir);
    await expect(first).rejects.toThrow("no");
    await second;
    expect(order.join()).toMatch(/first begins,first ends/);
    expect(order).toHaveLength(3);
  });
});
