import { describe, expect, it } from "vitest";
import {
  answerJson,
  answerMethodError,
  answerProblem,
  type FakeHost,
  startFakeHost,
} from "../../../../../tests/harness/fake-host.ts";
import {
  type LeverRun,
  type LeverRunOptions,
  runLever,
} from "../../../../../tests/harness/run-lever.ts";

function invoke(
  host: FakeHost,
  args: readonly string[],
  options: LeverRunOptions = {},
): Promise<LeverRun> {
  const env = { LEVEROS_IP_PORT: host.address, ...options.env };
  return runLever(["invoke", ...args], { ...options, env });
}

/** Runs lever invoke against a host that returns the request body. */
async function echo(args: readonly string[], options: LeverRunOptions = {}) {
  await using host = await startFakeHost((response, { headers, body }) => {
    response.writeHead(200, { "content-type": headers["content-type"] });
    response.end(body);
  });
  const run = await invoke(host, args, options);
  return { run, request: host.requests[0] };
}

describe.concurrent("the call", () => {
  it("has every argument as JSON", async () => {
    const { run, request } = await echo([
      "/svc/method",
      "1",
      "-2.5",
      '"text"',
      '{"a":[null,true]}',
    ]);
    expect(request).toMatchObject({ method: "POST", url: "/svc/method" });
    expect(request?.headers["content-type"]).toBe("application/json");
    expect(request?.body.toString()).toBe('[1,-2.5,"text",{"a":[null,true]}]');
    expect(run).toMatchObject({ status: 0, stderr: "" });
    expect(run.stdout).toBe('[1,-2.5,"text",{"a":[null,true]}]\n');
  });

  it("goes to the environment of the URL, else of -E, of LEVEROS_ENV, of the default", async () => {
    const env = { LEVEROS_ENV: "variable.lever" };
    const flags = ["-E", "flag.lever"];
    const hostOf = async (args: readonly string[], options: LeverRunOptions = {}) =>
      (await echo(args, options)).request?.headers.host;
    expect(await hostOf(["lever://url.lever/svc/method", ...flags], { env })).toBe("url.lever");
    expect(await hostOf(["/svc/method", ...flags], { env })).toBe("flag.lever");
    expect(await hostOf(["/svc/method"], { env })).toBe("variable.lever");
    expect(await hostOf(["/svc/method"])).toBe("dev.lever");
    expect(await hostOf(["/svc/method"], { env: { LEVEROS_ENV: "" } })).toBe("dev.lever");
  });

  it("keeps the escaped name of a resource", async () => {
    const { request } = await echo(["/svc/room/a%20b/method"]);
    expect(request?.url).toBe("/svc/room/a%20b/method");
  });

  it("has the bytes of standard input for --, before or after options", async () => {
    const input = Buffer.from([0, 255, 10, 13, 65]);
    for (const args of [
      ["/svc/method", "--"],
      ["--pretty", "/svc/method", "--timeout", "5s", "--"],
      ["/svc/method", "--", "--pretty"],
    ]) {
      const { run, request } = await echo(args, { input });
      expect(request?.headers["content-type"]).toBe("application/octet-stream");
      expect(request?.body.equals(input)).toBe(true);
      expect(run.status).toBe(0);
      expect(run.stdoutBytes.equals(input)).toBe(true);
    }
  });

  it("has the timeout of --timeout", async () => {
    const { request } = await echo(["/svc/method", "--timeout", "10s"]);
    expect(request?.headers["lever-timeout"]).toBe("10000");
    expect((await echo(["/svc/method"])).request?.headers["lever-timeout"]).toBeUndefined();
  });

  it("goes to the host of -H rather than that of LEVEROS_IP_PORT", async () => {
    await using host = await startFakeHost((response) => answerJson(response, "here"));
    const run = await runLever(["invoke", "/svc/method", "-H", host.address], {
      env: { LEVEROS_IP_PORT: "127.0.0.1:1" },
    });
    expect(run.stdout).toBe('"here"\n');
  });
});

describe.concurrent("the output", () => {
  it("is indented with --pretty", async () => {
    const { run } = await echo(["/svc/method", '{"a":1}', "--pretty"]);
    expect(run.stdout).toBe('[\n  {\n    "a": 1\n  }\n]\n');
  });

  it("is the error of a method, on standard error: status 1", async () => {
    await using host = await startFakeHost((response) =>
      answerMethodError(response, { why: "no" }),
    );
    expect(await invoke(host, ["/svc/method"])).toMatchObject({
      status: 1,
      stdout: "",
      stderr: 'lever: the method failed: {"why":"no"}\n',
    });
  });

  it("is an error of Lever with its code: status 3", async () => {
    await using host = await startFakeHost((response) =>
      answerProblem(response, 504, { code: "deadline_exceeded", detail: "Too late." }),
    );
    expect(await invoke(host, ["/svc/method"])).toMatchObject({
      status: 3,
      stdout: "",
      stderr: "lever: Too late. (deadline_exceeded)\n",
    });
  });

  it("is a remedy if no host answers: status 3", async () => {
    const host = await startFakeHost(() => {});
    await host[Symbol.asyncDispose]();
    const run = await invoke(host, ["/svc/method"]);
    expect(run).toMatchObject({ status: 3, stdout: "" });
    expect(run.stderr).toContain(`at ${host.address}: nothing answers there (ECONNREFUSED)`);
    expect(run.stderr).toContain("lever up");
  });

  it("is an error if the answer is not from Lever: status 3", async () => {
    await using host = await startFakeHost((response) => response.end("<html>"));
    const run = await invoke(host, ["/svc/method"]);
    expect(run.status).toBe(3);
    expect(run.stderr).toContain("is not from a Lever host");
  });
});

describe.concurrent("a command line that is not valid has status 2 and a reason:", () => {
  it.each([
    [
      ["/svc/method", "world"],
      `world is not JSON.\nA string needs JSON's quotes inside the shell's: '"world"'`,
    ],
    [["/svc/method", "1", "it's"], `Cannot read argument 2: it's is not JSON.`],
    [["/svc/method", "it's"], `'"it'\\''s"'`],
    [["/svc/method", ""], "the empty text is not JSON"],
    [["svc/method"], "Allowed is /service/method or lever://environment/service/method."],
    [["http://dev.lever/svc/method"], "its scheme is http, not lever"],
    [["/svc"], "it needs a service and a method"],
    [["/svc/feedChan"], "feedChan is a streaming method"],
    [["/svc/method", "--timeout", "soon"], 'Cannot use "soon" as --timeout'],
    [["/svc/method", "--", "1"], "-- stands for bytes from standard input"],
    [["/svc/method", "--preti"], "Did you mean --pretty?"],
    [[], "missing required argument 'url'"],
    [["/svc/method", "-E", "a b"], 'Cannot use "a b" as the environment'],
    [["/svc/method", "-H", "nowhere"], 'Cannot use "nowhere" as the host'],
  ])("%j", async (args, reason) => {
    const run = await runLever(["invoke", ...args]);
    expect(run).toMatchObject({ status: 2, stdout: "" });
    expect(run.stderr).toMatch(/^lever: /);
    expect(run.stderr).toContain(reason);
  });
});
