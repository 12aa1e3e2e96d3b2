import { INSTANCE_LINK, type InstanceLink, LeverError, Link } from "@leveros/protocol";
import { CallServer, listMethods } from "@leveros/runtime";
import { afterEach, expect, it } from "vitest";
import { Client } from "./client.ts";

const MESSAGE_BYTES_MAX = 4 * 1024 * 1024;

/** The methods of the service on the other side of the link. */
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

/** Two ends of a link joined in memory, as an instance has one to its host; the far end serves the methods above. */
function joinLinks(): { near: Link; seen: unknown[] } {
  const seen: unknown[] = [];
  const server = new CallServer(methods, { replyBytesMax: MESSAGE_BYTES_MAX });
  const end = (side: "instance" | "host", other: () => Link): Link =>
    new Link({
      side,
      write(parts) {
        for (const part of parts) other().receive(part);
        return true;
      },
      schedule: setImmediate,
      onCall(opening, call) {
        const { body: _body, kind: _kind, ...names } = opening;
        seen.push(names);
        return server.onCall(opening, call);
      },
      onControl() {},
      messageBytesMax: MESSAGE_BYTES_MAX,
      callsMax: 100,
    });
  const near: Link = end("instance", () => far);
  const far: Link = end("host", () => near);
  return { near, seen };
}

function becomeInstance(link: { protocol: number } | InstanceLink): void {
  Object.defineProperty(globalThis, INSTANCE_LINK, { value: link, configurable: true });
}

function startInstance(): { near: Link; seen: unknown[] } {
  const joined = joinLinks();
  becomeInstance({
    protocol: 1,
    environment: "dev.lever",
    callee: joined.near,
    activeCall: () => undefined,
  });
  return joined;
}

afterEach(() => {
  Reflect.deleteProperty(globalThis, INSTANCE_LINK);
});

it("calls over the link without any configuration", async () => {
  const { seen } = startInstance();
  const client = new Client({ timeoutMs: 1_000 });
  const service = client.service("other.lever", "hello");
  expect(await service.invoke("greet", "world")).toBe("Hello, world!");
  expect(seen).toEqual([
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

it("calls the instance's own environment by relative URLs", async () => {
  const { seen } = startInstance();
  expect(await new Client().invokeURL("/hello/greet", "world")).toBe("Hello, world!");
  expect(seen).toMatchObject([{ environment: "dev.lever", service: "hello", timeoutMs: 0 }]);
});

it("calls the instance's own environment when none is named", async () => {
  const { seen } = startInstance();
  expect(await new Client().service("", "hello").invoke("greet", "you")).toBe("Hello, you!");
  expect(seen).toMatchObject([{ environment: "dev.lever" }]);
});

it("needs no port to find an environment", async () => {
  const { seen } = startInstance();
  await new Client().invokeURL("lever://other.lever:8080/hello/greet", "you");
  expect(seen).toMatchObject([{ environment: "other.lever" }]);
});

it("passes the resource first", async () => {
  startInstance();
  const room = new Client().resource("dev.lever", "chat", "the/lobby");
  expect(await room.invoke("join", "Ada")).toBe("Ada is in the/lobby");
});

it("carries bytes, also large ones, both ways", async () => {
  startInstance();
  const bytes = Buffer.alloc(300_000, "lever");
  const result = await new Client().invokeURL("/hello/reverse", bytes);
  expect(Buffer.isBuffer(result)).toBe(true);
  expect(Buffer.compare(bytes.toReversed(), result as Buffer)).toBe(0);
});

it("fails with the value that the method failed with", async () => {
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

it("fails with Lever's own code", async () => {
  startInstance();
  await expect(new Client().invokeURL("/hello/nothing")).rejects.toMatchObject({
    code: "unknown_method",
  });
});

it("fails when the link is lost", async () => {
  const { near } = startInstance();
  const call = new Client().invokeURL("/hello/hang");
  near.flush();
  near.close(new LeverError("unavailable", "The host has gone."));
  await expect(call).rejects.toMatchObject({
    code: "unavailable",
    message: "The host has gone.",
  });
  await expect(new Client().invokeURL("/hello/greet", "you")).rejects.toMatchObject({
    code: "unavailable",
  });
});

it("prefers forceHost, also inside an instance", async () => {
  const { seen } = startInstance();
  const call = new Client({ forceHost: "127.0.0.1:1" }).invokeURL("/hello/greet", "world");
  await expect(call).rejects.toMatchObject({
    code: "unreachable",
    message: expect.stringContaining("lever://dev.lever/hello/greet at 127.0.0.1:1"),
  });
  expect(seen).toEqual([]);
});

it("says so when the runtime is newer than the client", async () => {
  becomeInstance({ protocol: 2 });
  await expect(new Client().invokeURL("/hello/greet")).rejects.toMatchObject({
    code: "not_supported",
  });
});
