import { once } from "node:events";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { connect, type Socket } from "node:net";
import { json } from "node:stream/consumers";
import { LINK_UPGRADE, LINK_VERSION, OUTSIDE } from "@leveros/protocol";
import { encodeHeader, HEADER_BYTES, writeHeader } from "@leveros/protocol/wire";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { RunningLever } from "../harness/lever.ts";
import { opened, startTalk, talkAt } from "../harness/talk-service.ts";

describe("the upgrade", () => {
  let lever: RunningLever;

  beforeAll(async () => {
    lever = await startTalk("--limit", "idleConnectionTimeoutMs=300");
  });

  afterAll(() => lever?.stop());

  /** A link on which a test can send any bytes. */
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

  /** Resolves when the connection is closed, with or without an error. */
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
    ["a header that only browsers send", { "sec-fetch-mode": "no-cors" }, "/", 403],
    ["another path", {}, "/talk/echoChan", 400],
    ["an older link version", { upgrade: "lever-link/0" }, "/", 400],
    ["a newer link version", { upgrade: "lever-link/99" }, "/", 400],
  ])("a request for a link with %s is refused", async (_name, headers, path, status) => {
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
    ["bytes that are no frame", Buffer.from("GET / HTTP/1.1\r\nhost: dev.lever\r\n\r\n")],
    ["a frame of an unknown type", frame(99, 0, 1, Buffer.alloc(0))],
    ["a control message", frame(CONTROL, 0, 0, Buffer.from('{"type":"stopping"}'))],
    ["a call with one of the host's numbers", frame(OPEN, STREAM, 2, opening)],
    ["a truncated opening", frame(OPEN, STREAM, 1, names.subarray(0, 9))],
    [
      "more than its credit",
      Buffer.concat([
        frame(OPEN, STREAM, 1, opening),
        ...Array.from({ length: 200 }, () => frame(MESSAGE, 1, 1, Buffer.alloc(60_000))),
      ]),
    ],
  ])("the host closes a link that sends %s", async (_name, bytes) => {
    const socket = await rawLink();
    socket.write(bytes);
    await closed(socket);
    expect(await talkAt(lever.address).invoke("hi", "you")).toBe("Hello, you");
  });

  it("the host closes a link on which no call is open for idleConnectionTimeoutMs", async () => {
    const { stream, echo } = await opened(talkAt(lever.address).invokeChan("echoChan"));
    const [idle, halfOpen] = [await rawLink(), await rawLink()];
    halfOpen.write(frame(OPEN, STREAM | MORE, 1, Buffer.concat([names, Buffer.alloc(65_536)])));
    await Promise.all([closed(idle), closed(halfOpen)]);
    expect(await echo("still here")).toBe("still here");
    stream.end();
  });
});
