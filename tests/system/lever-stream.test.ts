import { createHash, randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { serviceArchive } from "../harness/archive.ts";
import { deployArchive } from "../harness/http-call.ts";
import { type RunningLever, startLever } from "../harness/lever.ts";

const service = `
const { createHash } = require("node:crypto");
exports.echoChan = async (stream, ...args) => {
  if (args.length > 0) stream.write(args);
  for await (const message of stream) stream.write(message);
};
exports.uploadChan = async (stream) => {
  const hash = createHash("sha256");
  for await (const bytes of stream) hash.update(bytes);
  stream.write(hash.digest("hex"));
};
exports.downloadChan = async function* (stream, count) { for (let i = 0; i < count; i++) yield Buffer.alloc(1000, i); };
exports.endsChan = async (stream) => { stream.write("bye"); };
exports.failChan = async function* () { yield 1; throw { code: 7 }; };
exports.regular = () => 1;
`;

let lever: RunningLever;

beforeAll(async () => {
  lever = await startLever();
  const files = { "server.js": service, "lever.json": '{"name": "talk", "jsEntry": "server.js"}' };
  expect((await deployArchive(lever.address, serviceArchive(files))).status).toBe(200);
});

afterAll(() => lever.stop());

const stream = (args: string[], input: string | Buffer = ""): ReturnType<RunningLever["lever"]> =>
  lever.lever(["stream", ...args], { input });

describe("lever stream", () => {
  it("sends lines of standard input and prints lines, and half-closes at its end", async () => {
    const { status, stdout } = await stream(
      ["/talk/echoChan", '"hi"', "2"],
      '{"a":1}\n\nnull\n"é"',
    );
    expect([status, stdout]).toEqual([0, '["hi",2]\n{"a":1}\nnull\n"é"\n']);
  });

  it("sends standard input as bytes", async () => {
    const bytes = randomBytes(3_000_000);
    const { status, stdout } = await stream(["--bytes", "/talk/uploadChan"], bytes);
    const digest = createHash("sha256").update(bytes).digest("hex");
    expect([status, stdout]).toEqual([0, `"${digest}"\n`]);
  });

  it("prints bytes as they are", async () => {
    const { status, stdoutBytes } = await stream(["/talk/downloadChan", "300"]);
    const expected = Buffer.concat(Array.from({ length: 300 }, (_, i) => Buffer.alloc(1000, i)));
    expect(status).toBe(0);
    expect(stdoutBytes.equals(expected)).toBe(true);
  });

  it("ends when the method does", async () => {
    expect(await stream(["/talk/endsChan"], "1\n2\n")).toMatchObject({
      status: 0,
      stdout: '"bye"\n',
    });
  });

  it("tells failures by its exit status", async () => {
    expect(await stream(["/talk/failChan"])).toMatchObject({
      status: 1,
      stdout: "1\n",
      stderr: 'lever: the method failed: {"code":7}\n',
    });
    expect(await stream(["/talk/nothingChan"])).toMatchObject({
      status: 3,
      stderr: expect.stringContaining("has no method nothingChan. (unknown_method)"),
    });
    expect(await stream(["/talk/regular"])).toMatchObject({ status: 2 });
    expect(await stream(["/talk/echoChan"], "1\nno json\n")).toMatchObject({
      status: 2,
      stderr: expect.stringContaining("Cannot send line 2 of standard input: it is not JSON."),
    });
  });
});
