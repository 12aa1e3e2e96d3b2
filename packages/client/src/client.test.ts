import { expect, it } from "vitest";
import { Client } from "./client.ts";

// Nothing here connects: the address is never dialled.
const client = new Client({ forceHost: "127.0.0.1:1" });

it.each(["chatChan", "chat_chan", "chan"])(
  "refuses to invoke %s, which is a streaming method",
  async (method) => {
    await expect(client.service("dev.lever", "chat").invoke(method)).rejects.toMatchObject({
      code: "wrong_method_kind",
      message: `Cannot invoke ${method}: by its name it is a streaming method, and invoke is for regular ones.`,
    });
    await expect(client.invokeURL(`lever://dev.lever/chat/${method}`)).rejects.toMatchObject({
      code: "wrong_method_kind",
    });
  },
);

it("says what is missing when a relative URL is called outside an instance", async () => {
  await expect(client.invokeURL("/hello/greet")).rejects.toMatchObject({
    code: "malformed_request",
    message:
      "Cannot call /hello/greet: a relative URL has an environment only inside an instance. Elsewhere, write lever://<environment>/hello/greet.",
  });
});

it.each(["hello", "http://dev.lever/hello/greet", "lever://dev.lever/hello", "//dev.lever/a/b"])(
  "refuses the URL %s",
  async (url) => {
    await expect(client.invokeURL(url)).rejects.toMatchObject({
      name: "LeverError",
      code: "malformed_request",
    });
  },
);

it.each(["a b", "a/b", "dev.lever/", "user@host", "dev.lever:x"])(
  'refuses "%s" as an environment',
  (environment) => {
    expect(() => client.service(environment, "hello")).toThrow(
      expect.objectContaining({ code: "malformed_request" }),
    );
  },
);

it("refuses empty and broken names", async () => {
  const refusal = expect.objectContaining({ code: "malformed_request" });
  expect(() => client.service("dev.lever", "")).toThrow(refusal);
  expect(() => client.resource("dev.lever", "chat", "")).toThrow(refusal);
  expect(() => client.resource("dev.lever", "chat", "\ud800")).toThrow(refusal);
  await expect(client.service("dev.lever", "chat").invoke("")).rejects.toEqual(refusal);
});

it("refuses a forceHost that is no address", async () => {
  const call = new Client({ forceHost: "not an address" }).invokeURL("lever://dev.lever/a/b");
  await expect(call).rejects.toMatchObject({ code: "malformed_request" });
});

it("refuses timeouts out of range", () => {
  for (const timeoutMs of [-1, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31]) {
    expect(() => new Client({ timeoutMs })).toThrow(/timeoutMs/);
  }
});

it("names the method when its arguments cannot be sent", async () => {
  const loop: { self?: unknown } = {};
  loop.self = loop;
  await expect(client.invokeURL("lever://dev.lever/a/keep", loop)).rejects.toMatchObject({
    code: "malformed_request",
    message: expect.stringMatching(/^Cannot send the arguments of keep: /),
    cause: expect.any(TypeError),
  });
});

it("lets its methods be taken off", async () => {
  const { invoke } = client.service("dev.lever", "chat");
  await expect(invoke("chan")).rejects.toMatchObject({ code: "wrong_method_kind" });
});
