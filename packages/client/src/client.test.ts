import { expect, it } from "vitest";
import { Client } from "./client.ts";

// No test connects to this address.
const client = new Client({ forceHost: "127.0.0.1:1" });

it.each(["chatChan", "chat_chan", "chan"])(
  "invoke refuses the streaming method %s",
  async (method) => {
    await expect(client.service("dev.lever", "chat").invoke(method)).rejects.toMatchObject({
      code: "wrong_method_kind",
      message: `Cannot invoke ${method}: its name is that of a streaming method. Use invokeChan.`,
    });
    await expect(client.invokeURL(`lever://dev.lever/chat/${method}`)).rejects.toMatchObject({
      code: "wrong_method_kind",
    });
  },
);

it("the error of a relative URL outside an instance says how to write it", async () => {
  await expect(client.invokeURL("/hello/greet")).rejects.toMatchObject({
    code: "malformed_request",
    message:
      "Cannot call /hello/greet: a relative URL has an environment only inside an instance. Elsewhere, use lever://<environment>/hello/greet.",
  });
});

it.each(["hello", "http://dev.lever/hello/greet", "lever://dev.lever/hello", "//dev.lever/a/b"])(
  "invokeURL refuses the URL %s",
  async (url) => {
    await expect(client.invokeURL(url)).rejects.toMatchObject({
      name: "LeverError",
      code: "malformed_request",
    });
  },
);

it.each(["a b", "a/b", "dev.lever/", "user@host", "dev.lever:x"])(
  '"%s" is not a name of an environment',
  (environment) => {
    expect(() => client.service(environment, "hello")).toThrow(
      expect.objectContaining({ code: "malformed_request" }),
    );
  },
);

it("a client refuses empty and malformed names", async () => {
  const refusal = expect.objectContaining({ code: "malformed_request" });
  expect(() => client.service("dev.lever", "")).toThrow(refusal);
  expect(() => client.resource("dev.lever", "chat", "")).toThrow(refusal);
  expect(() => client.resource("dev.lever", "chat", "\ud800")).toThrow(refusal);
  await expect(client.service("dev.lever", "chat").invoke("")).rejects.toEqual(refusal);
});

it("a forceHost that is not an address fails the call", async () => {
  const call = new Client({ forceHost: "not an address" }).invokeURL("lever://dev.lever/a/b");
  await expect(call).rejects.toMatchObject({ code: "malformed_request" });
});

it("a client refuses timeouts out of range", () => {
  for (const timeoutMs of [-1, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31]) {
    expect(() => new Client({ timeoutMs })).toThrow(/timeoutMs/);
  }
});

it("the error of arguments that cannot be encoded names the method", async () => {
  const loop: { self?: unknown } = {};
  loop.self = loop;
  await expect(client.invokeURL("lever://dev.lever/a/keep", loop)).rejects.toMatchObject({
    code: "malformed_request",
    message: expect.stringMatching(/^Cannot send the arguments of keep: /),
    cause: expect.any(TypeError),
  });
});

it("the methods of a service work without the service object", async () => {
  const { invoke } = client.service("dev.lever", "chat");
  await expect(invoke("chan")).rejects.toMatchObject({ code: "wrong_method_kind" });
});
