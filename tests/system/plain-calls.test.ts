import { connect, type Socket } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { instancesOf } from "../harness/admin.ts";
import { eventually } from "../harness/eventually.ts";
import { type RunningLever, startLever } from "../harness/lever.ts";
import { deployService, testService } from "../harness/test-service.ts";

const service = testService(
  `
    const waiting = [];
    exports.echo = (value) => value;
    exports.fail = () => { throw new Error("no"); };
    exports.size = (bytes) => bytes.length;
    exports.large = (length) => "x".repeat(length);
    exports.wait = () => new Promise((resolve) => waiting.push(resolve));
    exports.release = () => { for (const resolve of waiting.splice(0)) resolve("released"); };
    exports.waits = () => waiting.length;
    exports.echoChan = async (stream) => { for await (const it of stream) stream.write(it); };`,
  { name: "plain" },
);

let lever: RunningLever;

beforeAll(async () => {
  lever = await startLever();
  await deployService(lever, service);
});

afterAll(() => lever.stop());

/** One HTTP/1.1 connection, which returns its answers one by one. */
class Connection {
  readonly socket: Socket;
  #received = "";
  #wake: () => void = () => {};
  readonly ended: Promise<void>;

  constructor({ address } = lever) {
    const [host = "", port = ""] = address.split(":");
    this.socket = connect(Number(port), host);
    this.ended = new Promise((resolve) => this.socket.on("close", () => resolve()));
    this.socket.on("error", () => {});
    this.socket.on("data", (chunk: Buffer) => {
      this.#received += chunk.toString("latin1");
      this.#wake();
    });
    this.socket.on("close", () => this.#wake());
  }

  send(text: string): void {
    this.socket.write(text, "latin1");
  }

  /** The next answer: its status, its body, and its head in lower case. */
  async answer(): Promise<{ status: number; body: string; head: string }> {
    for (;;) {
      const end = this.#received.indexOf("\r\n\r\n");
      if (end !== -1) {
        const head = this.#received.slice(0, end).toLowerCase();
        const length = Number(/content-length: (\d+)/.exec(head)?.[1] ?? 0);
        const bodyEnd = end + 4 + length;
        if (this.#received.length >= bodyEnd) {
          const body = this.#received.slice(end + 4, bodyEnd);
          this.#received = this.#received.slice(bodyEnd);
          return { status: Number(head.slice(9, 12)), body, head };
        }
      }
      if (this.socket.destroyed) throw new Error(`Closed after ${JSON.stringify(this.#received)}`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

const request = (method: string, body: string, ...fields: string[]): string =>
  [
    `POST /plain/${method}?forceenv=dev.lever HTTP/1.1`,
    "host: x",
    "content-type: application/json",
    `content-length: ${Buffer.byteLength(body)}`,
    ...fields,
    "",
    body,
  ].join("\r\n");

describe("a connection with plain calls", () => {
  it("requests that come at once are answered in their order", async () => {
    const connection = new Connection();
    connection.send(
      [1, 2, 3].map((n) => request("echo", `[${n}]`)).join("") + request("fail", "[]"),
    );
    for (const n of [1, 2, 3])
      expect(await connection.answer()).toMatchObject({ status: 200, body: `${n}` });
    const failed = await connection.answer();
    expect(failed).toMatchObject({ status: 500, body: '"no"' });
    expect(failed.head).toContain("lever-error: method");
    connection.socket.destroy();
  });

  it("a connection is kept after a method failed", async () => {
    const connection = new Connection();
    connection.send(request("fail", "[]"));
    expect((await connection.answer()).status).toBe(500);
    connection.send(request("echo", '["again"]'));
    const kept = await connection.answer();
    expect(kept.body).toBe('"again"');
    expect(kept.head).toMatch(/date: .+ gmt\r\nconnection: keep-alive\r\nkeep-alive: timeout=75/);
    connection.socket.destroy();
  });

  it("a request that comes byte by byte is answered", async () => {
    const connection = new Connection();
    connection.send(request("echo", "[0]"));
    await connection.answer();
    for (const byte of request("echo", '["slow"]')) {
      connection.send(byte);
      await new Promise(setImmediate);
    }
    expect((await connection.answer()).body).toBe('"slow"');
    connection.socket.destroy();
  });

  it("bodies and replies up to the limit are carried", async () => {
    const connection = new Connection();
    for (const length of [0, 1, 70_000, 4_194_000]) {
      connection.send(request("size", JSON.stringify(["x".repeat(length)])));
      expect((await connection.answer()).body).toBe(`${length}`);
      connection.send(request("large", `[${length}]`));
      expect((await connection.answer()).body.length).toBe(length + 2);
    }
    connection.socket.destroy();
  });

  it("a body over the limit is refused with 413", async () => {
    const connection = new Connection();
    connection.send(request("size", JSON.stringify(["x".repeat(4_194_304)])));
    expect(await connection.answer()).toMatchObject({ status: 413 });
    connection.socket.destroy();
  });

  it("plain and chunked requests share a connection", async () => {
    const connection = new Connection();
    connection.send(request("echo", "[1]"));
    expect((await connection.answer()).body).toBe("1");
    connection.send(
      `${request("echo", "[2]")}POST /plain/echo?forceenv=dev.lever HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n3\r\n[3]\r\n0\r\n\r\n`,
    );
    expect((await connection.answer()).body).toBe("2");
    expect((await connection.answer()).body).toBe("3");
    connection.send(request("echo", "[4]"));
    expect((await connection.answer()).body).toBe("4");
    connection.socket.destroy();
  });

  it("plain requests and OPTIONS share a connection", async () => {
    const connection = new Connection();
    connection.send(request("echo", "[1]"));
    expect((await connection.answer()).body).toBe("1");
    connection.send("OPTIONS /plain/echo?forceenv=dev.lever HTTP/1.1\r\nhost: x\r\n\r\n");
    expect((await connection.answer()).status).toBe(204);
    connection.socket.destroy();
  });

  it("a connection closes after bytes that are not HTTP, with 400", async () => {
    const connection = new Connection();
    connection.send(request("echo", "[1]"));
    expect((await connection.answer()).body).toBe("1");
    connection.send("nonsense\r\n\r\n");
    expect((await connection.answer()).status).toBe(400);
    await connection.ended;
  });

  it("a connection closes after its answer when the caller asks for that", async () => {
    const wanted = new Connection();
    wanted.send(request("echo", "[1]", "connection: close"));
    expect((await wanted.answer()).head).toContain("connection: close");
    await wanted.ended;
  });

  it("a call of an unknown method is refused with a problem", async () => {
    const connection = new Connection();
    connection.send(request("nothing", "[]"));
    const refused = await connection.answer();
    expect(refused.status).toBe(404);
    expect(refused.head).toContain("application/problem+json");
    expect(JSON.parse(refused.body)).toMatchObject({ code: "unknown_method" });
    connection.socket.destroy();
  });

  it("a connection is kept after a call was refused", async () => {
    const connection = new Connection();
    connection.send(request("echo", "{}"));
    expect((await connection.answer()).status).toBe(400);
    connection.send(request("echo", "[5]"));
    expect((await connection.answer()).body).toBe("5");
    connection.socket.destroy();
  });

  it("a call is cancelled when its connection closes", async () => {
    const connection = new Connection();
    connection.send(request("wait", "[]"));
    const other = new Connection();
    const ask = async (method: string): Promise<string> => {
      other.send(request(method, "[]"));
      return (await other.answer()).body;
    };
    await eventually(async () => (await ask("waits")) === "1");
    connection.socket.destroy();
    await connection.ended;
    await eventually(async () =>
      (await instancesOf(lever, "plain")).every(({ callsInFlight }) => callsInFlight === 0),
    );
    await ask("release");
    other.socket.destroy();
  });

  it("a connection is not read while its caller sends ahead of an answer", async () => {
    const connection = new Connection();
    connection.send(request("wait", "[]"));
    const ahead = request("echo", JSON.stringify(["x".repeat(10_000)]));
    for (let i = 0; i < 2_000; i++) connection.send(ahead);
    // 20 MB were sent. Most of them stay with the caller.
    const other = new Connection();
    other.send(request("echo", "[1]"));
    await other.answer();
    expect(connection.socket.writableLength).toBeGreaterThan(10_000_000);
    other.send(request("release", "[]"));
    await other.answer();
    expect((await connection.answer()).body).toBe('"released"');
    for (let i = 0; i < 2_000; i++) expect((await connection.answer()).body.length).toBe(10_002);
    connection.socket.destroy();
    other.socket.destroy();
  });
});

describe("a host whose callers have 400 ms for a request", () => {
  let impatient: RunningLever;

  beforeAll(async () => {
    impatient = await startLever({
      args: ["--limit", "headersTimeoutMs=400", "--limit", "requestTimeoutMs=400"],
    });
    await deployService(impatient, service);
  });

  afterAll(() => impatient.stop());

  it.each([
    ["a head", request("echo", "[1]").slice(0, 30)],
    ["a body", request("echo", "[1]").slice(0, -1)],
  ])("a connection with half of %s gets 408 after requestTimeoutMs", async (_name, part) => {
    const connection = new Connection(impatient);
    connection.send(request("echo", "[0]"));
    await connection.answer();
    connection.send(part);
    expect((await connection.answer()).status).toBe(408);
    await connection.ended;
  });
});
