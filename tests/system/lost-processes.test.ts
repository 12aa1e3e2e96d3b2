import { readFileSync } from "node:fs";
import type { ServiceListing } from "@leveros/protocol";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { adminOf, instancesOf, listInstances } from "../harness/admin.ts";
import { eventually } from "../harness/eventually.ts";
import { callMethod, type HttpAnswer, httpCall } from "../harness/http-call.ts";
import { type RunningLever, startLever } from "../harness/lever.ts";
import { deployService, testService } from "../harness/test-service.ts";

const echo = `
exports.echo = (value) => value;
exports.exits = () => process.exit(3);
`;
/** Its instances are ready, and exit before they have answered a call. */
const crashing =
  "exports.never = () => new Promise(() => {}); setTimeout(() => process.exit(5), 20);";

let lever: RunningLever;

beforeAll(async () => {
  lever = await startLever({ args: ["--limit", "idleTimeoutMs=300"] });
  await deployService(lever, testService(echo, { name: "echo" }));
});

afterAll(() => lever.stop());

/** The processes that a process has started. */
function childrenOf(pid: number): number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8");
  return text.split(" ").filter(Boolean).map(Number);
}

/** False = it has stopped already, because it was idle. */
function tryToKill(pid: number): boolean {
  try {
    return process.kill(pid, "SIGKILL");
  } catch {
    return false;
  }
}

const call = (text: string): Promise<HttpAnswer> => callMethod(lever.address, "/echo/echo", [text]);

describe("a process that dies when it is given a call", () => {
  it("another instance gets the call of one that was killed", async () => {
    // Unless the host had to send something else meanwhile: then it cannot be certain that nothing of the call has run.
    const answers: string[] = [];
    while (answers.length < 10 && answers.at(-1) !== "after") {
      expect((await call("first")).status).toBe(200);
      const [running] = await instancesOf(lever, "echo");
      if (running === undefined || !tryToKill(running.pid)) continue;
      const answer = await call("after");
      answers.push(answer.status === 200 ? String(answer.json()) : answer.text);
    }
    expect(answers.at(-1)).toBe("after");
  });

  it("a cold call is answered although every warm process was killed", async () => {
    await eventually(async () => {
      const { instances, host } = await listInstances(lever, "echo");
      return instances.length === 0 && host.warmReady > 0;
    });
    for (const pid of childrenOf(lever.pid)) process.kill(pid, "SIGKILL");
    const answers = await Promise.all([call("cold"), call("cold")]);
    expect(answers.map(({ status, text }) => [status, text])).toEqual([
      [200, '"cold"'],
      [200, '"cold"'],
    ]);
  });

  it("a call that has run is not given to another instance", async () => {
    const answer = await callMethod(lever.address, "/echo/exits", []);
    expect([answer.status, answer.text]).toEqual([
      502,
      expect.stringContaining("exited with status 3"),
    ]);
  });
});

describe("a service whose instances exit one after the other", () => {
  const listing = async (): Promise<ServiceListing | undefined> => {
    const listings = await adminOf(lever).invoke("listServices", "dev.lever");
    return listings.find(({ service }) => service === "crashing");
  };

  beforeAll(async () => {
    await deployService(lever, testService(crashing, { name: "crashing", minInstances: 1 }));
    await eventually(async () => ((await listing())?.failing?.nextStartMs ?? 0) > 1_000);
  });

  it("its listing has the reason", async () => {
    expect((await listing())?.failing?.reason).toContain("exited with status 5");
  });

  it("a call that waits for another start gets the reason before its deadline or with it", async () => {
    const answer = await httpCall(lever.address, "/crashing/never?forceenv=dev.lever", {
      headers: { "content-type": "application/json", "lever-timeout": "300ms" },
      body: "[]",
    });
    expect(answer.text).toContain("exited with status 5");
  });
});
