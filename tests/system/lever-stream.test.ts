import { createHash, randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type RunningLever, startLever } from "../harness/lever.ts";
import { deployService, testService } from "../harness/test-service.ts";

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
  await deployService(lever, testService(service, { name: "talk" }));
});

afterAll(() => lever.stop());

const stream = (args: string[], input: string | Buffer = ""): ReturnType<RunningLever["lever"]> =>
  lever.lever(["stream", ...args], { input });

describe("lever stream", () => {
  it("lever stream sends lines of standard input until its end, and prints lines", async () => {
    const { status, stdout } = await stream(
      ["/talk/echoChan", '"hi"', "2"],
      '{"a":1}\n\nnull\n"é"',
    );
    expect([status, stdout]).toEqual([0, '["hi",2]\n{"a":1}\nnull\n"é"\n']);
  });

  it("lever stream --bytes sends standard input as bytes", async () => {
    const bytes = randomBytes(3_000_000);
    const { status, stdout } = await stream(["--bytes", "/talk/uploadChan"], bytes);
    const digest = createHash("sha256").update(bytes).digest("hex");
    expect([status, stdout]).toEqual([0, `"${digest}"\n`]);
  });

  it("lever stream prints bytes unchanged", async () => {
    const { status, stdoutBytes } = await stream(["/talk/downloadChan", "300"]);
    const expected = Buffer.concat(Array.from({ length: 300 }, (_, i) => Buffer.alloc(1000, i)));
    expect(status).toBe(0);
    expect(stdoutBytes.equals(expected)).toBe(true);
  });

  it("lever stream exits when its method ends", async () => {
    expect(await stream(["/talk/endsChan"], "1\n2\n")).toMatchObject({
      status: 0,
      stdout: '"bye"\n',
    });
  });

  it("lever stream exits with 1 when its method fails", async () => {
    expect(await stream(["/talk/failChan"])).toMatchObject({
      status: 1,
      stdout: "1\n",
      stderr: 'lever: the method failed: {"code":7}\n',
    });
  });

  it("lever stream exits with 3 when Lever refuses", async () => {
    expect(await stream(["/talk/nothingChan"])).toMatchObject({
      status: 3,
      stderr: expect.stringContaining("has no method nothingChan. (unknown_method)"),
    });
  });

  it("lever stream exits with 2 for a regular method", async () => {
    expect(await stream(["/talk/regular"])).toMatchObject({ status: 2 });
  });

  it("lever stream exits with 2 at a line that is not JSON, and names the line", async () => {
    expect(await stream(["/talk/echoChan"], "1\nno json\n")).toMatchObject({
      status: 2,
      stderr: expect.stringContaining("Cannot send line 2 of standard input: it is not JSON."),
    });
  });
});
