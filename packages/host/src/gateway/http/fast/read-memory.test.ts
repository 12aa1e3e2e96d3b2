import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { afterEach, beforeEach, expect, it } from "vitest";
import { ReadMemory } from "./read-memory.ts";

let server: Server;
let caller: Socket;
let socket: Socket;
let memory: ReadMemory | undefined;

beforeEach(async () => {
  server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  caller = connect((server.address() as AddressInfo).port, "127.0.0.1");
  [socket] = (await once(server, "connection")) as [Socket];
  memory = ReadMemory.of(socket);
  socket.resume();
});

afterEach(() => {
  caller.destroy();
  socket.destroy();
  server.close();
});

it("this version of Node reads a server's sockets into memory of ours", () => {
  expect(memory).toBeDefined();
});

it("reads overwrite the same memory, until a part of it is kept", async () => {
  const read: Buffer[] = [];
  let isKept = false;
  if (memory) {
    memory.onRead = (bytes) => {
      read.push(bytes);
      return isKept;
    };
  }
  for (const text of ["a", "b"]) {
    caller.write(text);
    await expect.poll(() => read.at(-1)?.toString()).toBe(text);
  }
  expect(read.map(String)).toEqual(["b", "b"]);
  isKept = true;
  for (const text of ["c", "d"]) {
    caller.write(text);
    await expect.poll(() => read.at(-1)?.toString()).toBe(text);
  }
  expect(read.map(String)).toEqual(["c", "c", "c", "d"]);
});

it("without a reader, each piece has memory of its own", async () => {
  const read: Buffer[] = [];
  socket.on("data", (bytes: Buffer) => read.push(bytes));
  for (const text of ["a", "b"]) {
    caller.write(text);
    await expect.poll(() => read.at(-1)?.toString()).toBe(text);
  }
  expect(read.map(String)).toEqual(["a", "b"]);
});

it("a paused socket is not read", async () => {
  let count = 0;
  socket.on("data", (bytes: Buffer) => {
    count += bytes.length;
    socket.pause();
  });
  caller.write("a");
  await expect.poll(() => count).toBe(1);
  caller.write("b");
  await expect.poll(() => caller.writableLength).toBe(0);
  expect(count).toBe(1);
  socket.resume();
  await expect.poll(() => count).toBe(2);
});

it("the end of the caller is read", async () => {
  caller.end("a");
  const read: Buffer[] = [];
  socket.on("data", (bytes: Buffer) => read.push(bytes));
  await once(socket, "end");
  expect(Buffer.concat(read).toString()).toBe("a");
});
