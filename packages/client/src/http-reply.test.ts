import type { ServerResponse } from "node:http";
import { expect, it } from "vitest";
import {
  answerJson,
  answerMethodError,
  answerProblem,
  startFakeHost,
} from "../../../tests/harness/fake-host.ts";
import { Client } from "./client.ts";

/** Calls a host that responds like this, and expects the call to fail with these fields. */
async function expectFailure(
  answer: (response: ServerResponse) => void,
  failure: (address: string) => object,
): Promise<void> {
  await using host = await startFakeHost(answer);
  const call = new Client({ forceHost: host.address }).service("dev.lever", "x").invoke("y");
  await expect(call).rejects.toMatchObject(failure(host.address));
}

it("a call fails with the method's own value, whatever JSON it is", async () => {
  const value = { code: "out_of_stock", left: 0 };
  await expectFailure(
    (response) => answerMethodError(response, value),
    () => ({
      name: "LeverError",
      code: "method_failed",
      value,
      message: '{"code":"out_of_stock","left":0}',
    }),
  );
});

it("the error's message is the method's value when that is a string", async () => {
  const text = "There is no note 7.";
  await expectFailure(
    (response) => answerMethodError(response, text),
    () => ({ code: "method_failed", value: text, message: text }),
  );
});

it("a call fails with the method's bytes when its value is bytes", async () => {
  await expectFailure(
    (response) => {
      const type = "application/octet-stream";
      response.writeHead(500, { "content-type": type, "lever-error": "method" });
      response.end(Buffer.from([7, 8]));
    },
    () => ({
      code: "method_failed",
      value: Buffer.from([7, 8]),
      message: "The method failed with 2 bytes.",
    }),
  );
});

it("a call fails with Lever's code and detail, and with when to try again", async () => {
  const problem = { status: 503, code: "overloaded", detail: "Cannot take the call: full." };
  await expectFailure(
    (response) => answerProblem(response.setHeader("retry-after", "3"), 503, problem),
    () => ({ code: "overloaded", message: "Cannot take the call: full.", retryAfterSeconds: 3 }),
  );
});

it("an unknown code of a problem becomes internal", async () => {
  const problem = { code: "teapot", detail: "Short and stout." };
  await expectFailure(
    (response) => answerProblem(response, 418, problem),
    () => ({ code: "internal", message: "Short and stout." }),
  );
});

it.each([
  ["a page", 404, { "content-type": "text/html" }, "<h1>Not Found</h1>"],
  ["a page with status 200", 200, { "content-type": "text/html" }, "<h1>Welcome</h1>"],
  ["a redirect", 302, { location: "/elsewhere" }, ""],
  ["JSON with an error status", 500, { "content-type": "application/json" }, "{}"],
  ["a problem that is not JSON", 502, { "lever-error": "platform" }, "Bad Gateway"],
  ["an unknown kind of error", 500, { "lever-error": "cosmic" }, "{}"],
])("a host is unreachable when the response is %s", async (_what, status, headers, body) => {
  await expectFailure(
    (response) => response.writeHead(status, headers).end(body),
    (address) => ({
      code: "unreachable",
      message: `Cannot call lever://dev.lever/x/y at ${address}: the response has status ${status} and is not from a Lever host.`,
    }),
  );
});

it("a host is unreachable when a JSON reply is not JSON", async () => {
  await expectFailure(
    (response) => response.writeHead(200, { "content-type": "application/json" }).end("{oops"),
    () => ({ code: "unreachable", message: "Cannot read the reply: it is not JSON." }),
  );
});

it("a reply that is JSON null returns null", async () => {
  await using host = await startFakeHost((response) => answerJson(response, null));
  const service = new Client({ forceHost: host.address }).service("dev.lever", "x");
  expect(await service.invoke("y")).toBe(null);
});
