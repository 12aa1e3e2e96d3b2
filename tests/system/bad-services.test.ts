import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { callMethod, type HttpAnswer, httpCall } from "../harness/http-call.ts";
import { type RunningLever, startLever } from "../harness/lever.ts";
import { deployService, testService } from "../harness/test-service.ts";

const service = `
exports.throwsSync = () => { throw new Error("at once"); };
exports.throwsAsync = async () => { await null; throw new Error("later"); };
exports.throwsInTimer = (callback) => { setTimeout(() => { throw new Error("in a timer"); }, 1); };
exports.rejectsAside = (callback) => { Promise.reject(new Error("nobody listened")); };
exports.throwsObject = () => { throw { code: 42, why: ["a", null] }; };
exports.throwsBytes = () => { throw Buffer.from([0, 255]); };
exports.throwsNothing = () => { throw undefined; };
exports.callsBackTwice = (callback) => { callback(null, "first"); callback(null, "second"); callback(new Error("third")); };
exports.neverAnswers = (callback) => {};
exports.exits = (callback) => { console.error("about to go"); process.exit(7); };
exports.killsItself = (callback) => { process.kill(process.pid, "SIGKILL"); };
exports.tooLarge = () => Buffer.alloc(5 * 1024 * 1024);
exports.cycle = () => { const a = {}; a.a = a; return a; };
exports.pid = () => process.pid;
exports.streamFailsChan = async (stream) => { stream.write(1); throw new Error("midway"); };
exports.streamFailsFirstChan = async () => { throw { code: 7 }; };
`;

const flooder = `
exports.floods = () => { for (let i = 0; i < 20000; i++) console.log("x".repeat(1000)); return "done"; };
`;

let lever: RunningLever;

beforeAll(async () => {
  lever = await startLever();
  await deployService(lever, testService(service, { name: "trouble" }));
});

afterAll(() => lever.stop());

describe("a method that fails", () => {
  const rows = [
    ["throwsSync", '"at once"'],
    ["throwsAsync", '"later"'],
    ["throwsInTimer", '"in a timer"'],
    ["rejectsAside", '"nobody listened"'],
    ["throwsObject", '{"code":42,"why":["a",null]}'],
    ["throwsNothing", "null"],
    ["cycle", expect.stringContaining("circular")],
  ] as const;

  it.each(rows)(
    "%s fails its own call with its value, and its instance stays",
    async (method, error) => {
      const before = await callMethod(lever.address, "/trouble/pid", []);
      const answer = await callMethod(lever.address, `/trouble/${method}`, []);
      expect(answer.status).toBe(500);
      expect(answer.headers["lever-error"]).toBe("method");
      expect(answer.headers["content-type"]).toBe("application/json");
      expect(answer.text).toEqual(error);
      const after = await callMethod(lever.address, "/trouble/pid", []);
      expect(after.json()).toBe(before.json());
    },
  );

  it("a method that throws bytes fails its call with bytes", async () => {
    const answer = await callMethod(lever.address, "/trouble/throwsBytes", []);
    expect(answer.status).toBe(500);
    expect(answer.headers["content-type"]).toBe("application/octet-stream");
    expect([...answer.body]).toEqual([0, 255]);
  });

  it("a method that calls back twice answers with the first value", async () => {
    const answer = await callMethod(lever.address, "/trouble/callsBackTwice", []);
    expect([answer.status, answer.text]).toEqual([200, '"first"']);
  });

  it("a method that never answers fails at the deadline", async () => {
    const answer = await httpCall(lever.address, "/trouble/neverAnswers?forceenv=dev.lever", {
      headers: { "content-type": "application/json", "lever-timeout": "100ms" },
      body: "[]",
    });
    expect(answer.json()).toEqual({
      title: "deadline exceeded",
      status: 504,
      code: "deadline_exceeded",
      call: answer.headers["lever-call"],
      detail: "Cannot finish the call of trouble/neverAnswers: its 100 ms were over in the method.",
    });
  });

  it("a method that logs 20 MB is answered, and the host logs less than 5 MB", async () => {
    await deployService(lever, testService(flooder, { name: "flood" }));
    const logged = lever.output().length;
    const answer = await callMethod(lever.address, "/flood/floods", []);
    expect(answer.text).toBe('"done"');
    expect(lever.output().length - logged).toBeLessThan(5_000_000);
  });

  it("a reply over the limit is refused with its size", async () => {
    const answer = await callMethod(lever.address, "/trouble/tooLarge", []);
    expect(answer.json()).toMatchObject({
      code: "too_large",
      detail: "Cannot reply: the result of tooLarge has 5242880 bytes, the limit is 4194304.",
    });
  });
});

describe.each([
  ["exits", /exited with status 7\. Its last output:\n[\s\S]*about to go$/],
  ["killsItself", /was ended by SIGKILL\./],
])("an instance whose method %s", (method, how) => {
  let answer: HttpAnswer;
  let bystander: HttpAnswer;

  beforeAll(async () => {
    const waiting = callMethod(lever.address, "/trouble/neverAnswers", []);
    answer = await callMethod(lever.address, `/trouble/${method}`, []);
    bystander = await waiting;
  });

  it(`a call that ${method} fails with how its instance ended`, () => {
    expect(answer.status).toBe(502);
    expect(answer.json()).toMatchObject({ code: "instance_failed" });
    const { detail } = answer.json() as { detail: string };
    expect(detail).toContain("The instance of trouble version 1 that had the call ");
    expect(detail).toMatch(how);
  });

  it(`other calls of an instance fail when a call ${method}`, () => {
    expect(bystander.status).toBe(502);
  });

  it(`another instance takes calls after one ${method}`, async () => {
    expect((await callMethod(lever.address, "/trouble/pid", [])).status).toBe(200);
  });
});

describe("a streaming method that fails", () => {
  const stream = (method: string): ReturnType<typeof httpCall> =>
    httpCall(lever.address, `/trouble/${method}?forceenv=dev.lever`, {
      headers: { "content-type": "application/x-ndjson" },
      body: "[]\n",
    });

  it("a stream that fails after its first message ends with the error", async () => {
    const answer = await stream("streamFailsChan");
    expect([answer.status, answer.text]).toEqual([200, '1\n{"error":"midway"}\n']);
  });

  it("a stream that fails before its first message answers as a regular call", async () => {
    const answer = await stream("streamFailsFirstChan");
    expect([answer.status, answer.text]).toEqual([500, '{"code":7}']);
    expect(answer.headers["lever-error"]).toBe("method");
  });
});
