import {
  INSTANCE_LINK,
  type InstanceLink,
  LeverError,
  Link,
  valuePayload,
} from "@leveros/protocol";
import { CallServer, listMethods } from "@leveros/runtime";
import { afterEach, expect, it } from "vitest";
import { Client } from "./client.ts";

const MESSAGE_BYTES_MAX = 4 * 1024 * 1024;

/** The methods of the service at the other end of the link. */
const methods = listMethods({
  greet: (name: string) => `Hello, ${name}!`,
  reverse: (bytes: Buffer) => bytes.toReversed(),
  join: (room: string, name: string) => `${name} is in ${room}`,
  refuse() {
    throw { code: "out_of_stock", left: 0 };
  },
  shout() {
    throw new Error("Too loud.");
  },
  async hang() {
    await new Promise(() => {});
  },
});

/** Two ends of a link joined in memory, an instance's and a host's. The host's end serves `methods`. */
function joinLinks(): { instance: Link; requests: unknown[] } {
  const requests: unknown[] = [];
  const server = new CallServer(methods, {
    encode: valuePayload,
    replyBytesMax: MESSAGE_BYTES_MAX,
  });
  const end = (side: "dialler" | "listener", other: () => Link): Link =>
    new Link({
      side,
      write(parts) {
        for (const part of parts) other().receive(part);
        return true;
      },
      schedule: setImmediate,
      onCall(request, call) {
        requests.push({
          ...request.target,
          timeoutMs: request.timeoutMs,
          isStream: request.isStream,
        });
        return server.onCall(request, call);
      },
      onControl() {},
      messageBytesMax: MESSAGE_BYTES_MAX,
      callsMax: 100,
    });
  const instance: Link = end("dialler", () => host);
  const host: Link = end("listener", () => instance);
  return { instance, requests };
}

function setInstanceLink(link: { protocol: number } | InstanceLink): void {
  Object.defineProperty(globalThis, INSTANCE_LINK, { value: link, configurable: true });
}

function startInstance(): { instance: Link; requests: unknown[] } {
  const joined = joinLinks();
  setInstanceLink({
    protocol: 1,
    environment: "dev.lever",
    callee: joined.instance,
    activeCall: () => undefined,
  });
  return joined;
}

afterEach(() => {
  Reflect.deleteProperty(globalThis, INSTANCE_LINK);
});

it("a client inside an instance calls over its link without configuration", async () => {
  const { requests } = startInstance();
  const client = new Client({ timeoutMs: 1_000 });
  const service = client.service("other.lever", "hello");
  expect(await service.invoke("greet", "world")).toBe("Hello, world!");
  expect(requests).toEqual([
    {
      environment: "other.lever",
      service: "hello",
      resource: "",
      method: "greet",
      isStream: false,
      timeoutMs: 1_000,
    },
  ]);
});

it("a relative URL calls the instance's own environment", async () => {
  const { requests } = startInstance();
  expect(await new Client().invokeURL("/hello/greet", "world")).toBe("Hello, world!");
  expect(requests).toMatchObject([{ environment: "dev.lever", service: "hello", timeoutMs: 0 }]);
});

it("an empty environment is the instance's own", async () => {
  const { requests } = startInstance();
  expect(await new Client().service("", "hello").invoke("greet", "you")).toBe("Hello, you!");
  expect(requests).toMatchObject([{ environment: "dev.lever" }]);
});

it("a call over the link drops the port of the environment", async () => {
  const { requests } = startInstance();
  await new Client().invokeURL("lever://other.lever:8080/hello/greet", "you");
  expect(requests).toMatchObject([{ environment: "other.lever" }]);
});

it("the method receives the resource as its first argument", async () => {
  startInstance();
  const lobby = new Client().resource("dev.lever", "chat", "the/lobby");
  expect(await lobby.invoke("join", "Ada")).toBe("Ada is in the/lobby");
});

it("a call over the link carries large bytes in both directions", async () => {
  startInstance();
  const bytes = Buffer.alloc(300_000, "lever");
  const result = await new Client().invokeURL("/hello/reverse", bytes);
  expect(Buffer.isBuffer(result)).toBe(true);
  expect(Buffer.compare(bytes.toReversed(), result as Buffer)).toBe(0);
});

it("a call fails with the value that the method failed with", async () => {
  startInstance();
  await expect(new Client().invokeURL("/shop/refuse")).rejects.toMatchObject({
    name: "LeverError",
    code: "method_failed",
    value: { code: "out_of_stock", left: 0 },
    message: '{"code":"out_of_stock","left":0}',
  });
  await expect(new Client().invokeURL("/shop/shout")).rejects.toMatchObject({
    code: "method_failed",
    value: "Too loud.",
    message: "Too loud.",
  });
});

it("a call of an unknown method fails with Lever's code", async () => {
  startInstance();
  await expect(new Client().invokeURL("/hello/nothing")).rejects.toMatchObject({
    code: "unknown_method",
  });
});

it("calls fail when the link is closed", async () => {
  const { instance } = startInstance();
  const call = new Client().invokeURL("/hello/hang");
  instance.flush();
  instance.close(new LeverError("unavailable", "The host has gone."));
  await expect(call).rejects.toMatchObject({
    code: "unavailable",
    message: "The host has gone.",
  });
  await expect(new Client().invokeURL("/hello/greet", "you")).rejects.toMatchObject({
    code: "unavailable",
  });
});

it("forceHost has precedence over the link of an instance", async () => {
  const { requests } = startInstance();
  const call = new Client({ forceHost: "127.0.0.1:1" }).invokeURL("/hello/greet", "world");
  await expect(call).rejects.toMatchObject({
    code: "unreachable",
    message: expect.stringContaining("lever://dev.lever/hello/greet at 127.0.0.1:1"),
  });
  expect(requests).toEqual([]);
});

it("a client refuses a runtime that is newer than it supports", async () => {
  setInstanceLink({ protocol: 2 });
  await expect(new Client().invokeURL("/hello/greet")).rejects.toMatchObject({
    code: "not_supported",
  });
});
