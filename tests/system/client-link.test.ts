import { spawn } from "node:child_process";
import { once } from "node:events";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { connect, type Socket } from "node:net";
import { json } from "node:stream/consumers";
import { type CreatedToken, LINK_UPGRADE, LINK_VERSION, OUTSIDE } from "@leveros/protocol";
import { encodeHeader, HEADER_BYTES, writeHeader } from "@leveros/protocol/wire";
import { Client, type RemoteStream } from "leveros";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { serviceArchive } from "../harness/archive.ts";
import { deployArchive } from "../harness/http-call.ts";
import { type RunningLever, startLever } from "../harness/lever.ts";
import { openPassage, type Passage } from "../harness/passage.ts";
import { cleanEnvironment } from "../harness/run-lever.ts";

const archive = serviceArchive({
  "lever.json": '{"name": "talk", "jsEntry": "server.js", "maxInstances": 1}',
  "server.js": `
    exports.hi = (name) => "Hello, " + name;
    exports.fail = () => { throw { code: 7 }; };
    exports.hang = () => new Promise(() => {});
    exports.lengthOf = (bytes) => bytes.length;
    exports.echoChan = async (stream) => { for await (const message of stream) stream.write(message); };
    exports.deafChan = () => new Promise(() => {});
    exports.lastChan = async (stream) => { stream.write("here"); for await (const message of stream) { stream.write(message); return; } };
  `,
});

const clientAt = (address: string, token?: string): Client =>
  new Client({ forceHost: address, token });
const talkAt = (address: string, token?: string) =>
  clientAt(address, token).service("dev.lever", "talk");
const start = async (...args: string[]): Promise<RunningLever> => {
  const lever = await startLever({ args });
  expect((await deployArchive(lever.address, archive)).status).toBe(200);
  return lever;
};

/** A stream that answers, and what it says next. */
async function opened(open: Promise<RemoteStream>) {
  const stream = await open;
  const messages = stream[Symbol.asyncIterator]();
  const echo = async (message: unknown): Promise<unknown> => {
    stream.write(message);
    return (await messages.next()).value;
  };
  return { stream, messages, echo };
}

describe("the Node client", () => {
  let lever: RunningLever;
  let passage: Passage;

  beforeAll(async () => {
    // One test sends 3,000 calls at once. They may wait, however slow the machine is.
    const limits = ["queuedCallsPerServiceMax=3000", "queueStandingMs=60000"];
    lever = await start(...limits.flatMap((limit) => ["--limit", limit]));
    passage = await openPassage(lever.address);
  });

  afterAll(async () => {
    await passage?.[Symbol.asyncDispose]();
    await lever?.stop();
  });

  it("has all streams, and the calls beside them, on one connection", async () => {
    const talk = talkAt(passage.address);
    const streams = await Promise.all(
      Array.from({ length: 50 }, () => opened(talk.invokeChan("echoChan"))),
    );
    const heard = await Promise.all(streams.map(({ echo }, index) => echo(index)));
    expect(heard).toEqual(streams.map((_, index) => index));
    const calls = Array.from({ length: 3_000 }, (_, index) => talk.invoke("hi", index));
    expect(await Promise.all(calls)).toEqual(calls.map((_, index) => `Hello, ${index}`));
    await expect(talk.invoke("fail")).rejects.toMatchObject({
      code: "method_failed",
      value: { code: 7 },
    });
    await expect(talk.invoke("nothing")).rejects.toMatchObject({ code: "unknown_method" });
    expect(passage.taken).toEqual({ connections: 1, links: 1 });
    for (const { stream } of streams) stream.end();
  });

  it("makes a single call by itself, and opens a link for those that follow", async () => {
    await using other = await openPassage(lever.address);
    const talk = talkAt(other.address);
    await talk.invoke("hi", 1);
    expect(other.taken).toEqual({ connections: 1, links: 0 });
    await talk.invoke("hi", 2);
    while (other.taken.links === 0) await new Promise(setImmediate);
    expect(await talk.invoke("hi", 3)).toBe("Hello, 3");
    expect(other.taken.links).toBe(1);
  });

  it("leaves a call at its deadline, and when it is told to", async () => {
    const client = clientAt(passage.address);
    const { stream } = await opened(client.service("dev.lever", "talk").invokeChan("echoChan"));
    const hang = (of: Client): Promise<unknown> => of.service("dev.lever", "talk").invoke("hang");
    await expect(hang(client.with({ timeoutMs: 50 }))).rejects.toMatchObject({
      code: "deadline_exceeded",
    });
    const left = new AbortController();
    const leaving = hang(client.with({ signal: left.signal }));
    left.abort();
    await expect(leaving).rejects.toMatchObject({ code: "cancelled" });
    stream.end();
  });

  it("is told of a message over the limit, and the others on the link go on", async () => {
    const talk = talkAt(passage.address);
    const large = await opened(talk.invokeChan("echoChan"));
    const other = await opened(talk.invokeChan("echoChan"));
    const tooLarge = Buffer.alloc(4 * 1024 * 1024 + 1);
    await expect(large.echo(tooLarge)).rejects.toMatchObject({ code: "too_large" });
    await expect(talk.invoke("lengthOf", tooLarge)).rejects.toMatchObject({ code: "too_large" });
    const largest = Buffer.alloc(4 * 1024 * 1024, "x");
    expect(largest.equals((await other.echo(largest)) as Buffer)).toBe(true);
    expect(await talk.invoke("lengthOf", largest)).toBe(largest.length);
    other.stream.end();
  });

  it("has every stream of a link fail as unreachable when that breaks, and opens another", async () => {
    const talk = talkAt(passage.address);
    const streams = await Promise.all([1, 2, 3].map(() => opened(talk.invokeChan("echoChan"))));
    for (const { echo } of streams) expect(await echo("up")).toBe("up");
    const call = talk.invoke("hang");
    const heard = streams.map(({ messages }) => messages.next());
    passage.cut();
    for (const lost of [...heard, call]) {
      await expect(lost).rejects.toMatchObject({ code: "unreachable" });
    }
    const { stream, echo } = await opened(talk.invokeChan("echoChan"));
    expect(await echo("again")).toBe("again");
    stream.end();
  });

  it.each(["answered", "cut"] as const)(
    "does without a link where the request for one is %s",
    async (onLink) => {
      await using proxy = await openPassage(lever.address, onLink);
      const talk = talkAt(proxy.address);
      for (const turn of [1, 2, 3]) {
        const { stream, echo } = await opened(talk.invokeChan("echoChan"));
        expect(await echo(turn)).toBe(turn);
        stream.end();
        expect(await talk.invoke("hi", turn)).toBe(`Hello, ${turn}`);
      }
      // It does not ask for each.
      expect(proxy.taken.links).toBe(1);
    },
  );

  it.each([
    [
      "ended",
      "stream.write(1); for await (const message of stream) { console.log(message); stream.end(); }",
    ],
    [
      "left",
      "stream.write(1); for await (const message of stream) { console.log(message); break; }",
    ],
    [
      "ended by the service",
      "stream.write(1); let n = 0; for await (const message of stream) console.log(++n);",
    ],
  ])("lets its process end once its streams are %s", async (how, use) => {
    const method = how === "ended by the service" ? "lastChan" : "echoChan";
    const script = `
      import { Client } from "leveros";
      const talk = new Client({ forceHost: "${lever.address}" }).service("dev.lever", "talk");
      const stream = await talk.invokeChan("${method}");
      ${use}
      await talk.invoke("hi", 1);`;
    const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
      cwd: import.meta.dirname,
      stdio: ["ignore", "pipe", "inherit"],
      env: cleanEnvironment(),
    });
    let printed = "";
    child.stdout.on("data", (chunk: Buffer) => {
      printed += chunk;
    });
    expect(await once(child, "close")).toEqual([0, null]);
    expect(printed).toMatch(/^1\n/);
  });
});

describe("a host with tokens", () => {
  it("asks for each call on a link what its token allows at that moment", async () => {
    await using lever = await start();
    const admin = (token: string | undefined, method: string, ...args: unknown[]) =>
      clientAt(lever.address, token)
        .service("admin.lever", "admin")
        .invoke(method, ...args);
    const create = async (by: string | undefined, wanted: object): Promise<CreatedToken> =>
      (await admin(by, "createToken", wanted)) as CreatedToken;
    const { token: master } = await create(undefined, { environments: ["*"], rights: ["admin"] });
    const invoker = await create(master, { environments: ["dev.lever"], rights: ["invoke"] });
    const elsewhere = await create(master, { environments: ["other.lever"], rights: ["invoke"] });

    const next = async (token: string | undefined, method = "echoChan"): Promise<unknown> => {
      const { echo } = await opened(talkAt(lever.address, token).invokeChan(method));
      return await echo("in");
    };
    for (const [token, code] of [
      [undefined, "unauthorized"],
      ["lever_unknown", "unauthorized"],
      [elsewhere.token, "forbidden"],
    ] as const) {
      await expect(next(token)).rejects.toMatchObject({ code });
    }
    const within = talkAt(lever.address, invoker.token);
    const { stream, echo } = await opened(within.invokeChan("echoChan"));
    expect(await echo(1)).toBe(1);
    const watching = clientAt(lever.address, invoker.token)
      .service("admin.lever", "admin")
      .invokeChan("watchEventsChan");
    await expect((await opened(watching)).messages.next()).rejects.toMatchObject({
      code: "forbidden",
    });
    await admin(master, "revokeToken", invoker.id);
    await expect(next(invoker.token)).rejects.toMatchObject({ code: "unauthorized" });
    await expect(talkAt(lever.address, invoker.token).invoke("hi", "you")).rejects.toMatchObject({
      code: "unauthorized",
    });
    // Who is in stays, as on a connection of its own.
    expect(await echo(2)).toBe(2);
    stream.end();
  });
});

describe("a host that stops", () => {
  it("lets streams on a link come to their end, and takes no more", async () => {
    const lever = await start();
    const talk = talkAt(lever.address);
    const { stream, messages, echo } = await opened(talk.invokeChan("lastChan"));
    expect((await messages.next()).value).toBe("here");
    const stopped = lever.stop();
    for (;;) {
      const late = await opened(talk.invokeChan("echoChan"));
      const refusal = await late.echo(1).catch((error: unknown) => error);
      late.stream.cancel();
      if (refusal === 1) continue;
      expect(refusal).toMatchObject({ code: "unavailable" });
      break;
    }
    expect(await echo("the last")).toBe("the last");
    expect(await messages.next()).toEqual({ done: true, value: undefined });
    stream.end();
    expect(await stopped).toBe(0);
  });
});

describe("the upgrade", () => {
  let lever: RunningLever;

  beforeAll(async () => {
    lever = await start("--limit", "idleConnectionTimeoutMs=300");
  });

  afterAll(() => lever?.stop());

  /** A link of one's own, on which any bytes can be sent. */
  async function rawLink(): Promise<Socket> {
    const [host, port] = lever.address.split(":");
    const socket = connect(Number(port), host);
    socket.on("error", () => {});
    socket.write(
      `GET / HTTP/1.1\r\nhost: dev.lever\r\nconnection: Upgrade\r\nupgrade: ${LINK_UPGRADE}\r\n\r\n`,
    );
    const [answer] = (await once(socket, "data")) as [Buffer];
    expect(answer.toString()).toMatch(/^HTTP\/1\.1 101 /);
    return socket;
  }

  /** However it is closed. */
  const closed = (socket: Socket): Promise<void> =>
    new Promise((resolve) => {
      socket.resume().on("close", () => resolve());
    });

  function frame(type: number, flags: number, id: number, payload: Uint8Array): Buffer {
    const bytes = Buffer.alloc(HEADER_BYTES + payload.length);
    writeHeader(
      new DataView(bytes.buffer, bytes.byteOffset),
      0,
      payload.length,
      type,
      flags,
      0,
      id,
    );
    bytes.set(payload, HEADER_BYTES);
    return bytes;
  }

  const names = encodeHeader({
    caller: OUTSIDE,
    target: { environment: "dev.lever", service: "talk", resource: "", method: "deafChan" },
    timeoutMs: 0,
  });
  const opening = Buffer.concat([names, Buffer.from("[]")]);
  const [OPEN, MESSAGE, CONTROL, STREAM, MORE] = [1, 2, 5, 16, 2];

  it.each([
    ["a page's origin", { origin: "https://app.example" }, "/", 403],
    ["a browser's own header", { "sec-fetch-mode": "no-cors" }, "/", 403],
    ["another path", {}, "/talk/echoChan", 400],
    ["an older link version", { upgrade: "lever-link/0" }, "/", 400],
    ["a newer link version", { upgrade: "lever-link/99" }, "/", 400],
  ])("is refused to a request with %s", async (_name, headers, path, status) => {
    const [host, port] = lever.address.split(":");
    const outgoing = httpRequest({
      host,
      port,
      path,
      headers: { connection: "Upgrade", upgrade: LINK_UPGRADE, ...headers },
    });
    outgoing.end();
    const [response] = (await once(outgoing, "response")) as [IncomingMessage];
    response.resume();
    expect(response.statusCode).toBe(status);
    expect(response.headers["lever-error"]).toBe("platform");
  });

  it("the refusal of another link version says what to update", async () => {
    const [host, port] = lever.address.split(":");
    const headers = { connection: "Upgrade", upgrade: "lever-link/0" };
    const outgoing = httpRequest({ host, port, path: "/", headers });
    outgoing.end();
    const [response] = (await once(outgoing, "response")) as [IncomingMessage];
    expect(await json(response)).toMatchObject({
      code: "not_supported",
      detail: `Cannot open a link: this Lever speaks link protocol ${LINK_VERSION}, the client speaks 0. Update the package leveros to the version of the host.`,
    });
  });

  it.each([
    ["what is no frame", Buffer.from("GET / HTTP/1.1\r\nhost: dev.lever\r\n\r\n")],
    ["a frame of no type", frame(99, 0, 1, Buffer.alloc(0))],
    ["a message for the host's program", frame(CONTROL, 0, 0, Buffer.from('{"type":"stopping"}'))],
    ["a call by one of the host's numbers", frame(OPEN, STREAM, 2, opening)],
    ["an opening that is cut off", frame(OPEN, STREAM, 1, names.subarray(0, 9))],
    [
      "more than it has credit for",
      Buffer.concat([
        frame(OPEN, STREAM, 1, opening),
        ...Array.from({ length: 200 }, () => frame(MESSAGE, 1, 1, Buffer.alloc(60_000))),
      ]),
    ],
  ])("gives a link that is closed when it brings %s", async (_name, bytes) => {
    const socket = await rawLink();
    socket.write(bytes);
    await closed(socket);
    expect(await talkAt(lever.address).invoke("hi", "you")).toBe("Hello, you");
  });

  it("gives a link that is closed when no call is open on it for long", async () => {
    const { stream, echo } = await opened(talkAt(lever.address).invokeChan("echoChan"));
    const [idle, halfOpen] = [await rawLink(), await rawLink()];
    halfOpen.write(frame(OPEN, STREAM | MORE, 1, Buffer.concat([names, Buffer.alloc(65_536)])));
    await Promise.all([closed(idle), closed(halfOpen)]);
    expect(await echo("still here")).toBe("still here");
    stream.end();
  });
});
