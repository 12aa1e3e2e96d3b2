import { connect, type Socket } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { serviceArchive } from "../harness/archive.ts";
import { deployArchive } from "../harness/http-call.ts";
import { type RunningLever, startLever } from "../harness/lever.ts";

const archive = serviceArchive({
  "lever.json": JSON.stringify({ name: "plain", jsEntry: "server.js" }),
  "server.js": `
    const waiting = [];
    exports.echo = (value) => value;
    exports.fail = () => { throw new Error("no"); };
    exports.size = (bytes) => bytes.length;
    exports.large = (length) => "x".repeat(length);
    exports.wait = () => new Promise((resolve) => waiting.push(resolve));
    exports.release = () => { for (const resolve of waiting.splice(0)) resolve("released"); };
    exports.waits = () => waiting.length;
    exports.echoChan = async (stream) => { for await (const it of stream) stream.write(it); };`,
});

let lever: RunningLever;

beforeAll(async () => {
  lever = await startLever({
    args: ["--limit", "headersTimeoutMs=400", "--limit", "requestTimeoutMs=400"],
  });
  expect((await deployArchive(lever.address, archive)).status).toBe(200);
});

afterAll(() => lever.stop());

/** What one connection hears, answer by answer. */
class Connection {
  readonly socket: Socket;
  #heard = "";
  #tell: () => void = () => {};
  readonly ended: Promise<void>;

  constructor() {
    const [host = "", port = ""] = lever.address.split(":");
    this.socket = connect(Number(port), host);
    this.ended = new Promise((resolve) => this.socket.on("close", () => resolve()));
    this.socket.on("error", () => {});
    this.socket.on("data", (chunk: Buffer) => {
      this.#heard += chunk.toString("latin1");
      this.#tell();
    });
    this.socket.on("close", () => this.#tell());
  }

  send(text: string): void {
    this.socket.write(text, "latin1");
  }

  /** The next answer: its status, its body, and its head in lower case. */
  async answer(): Promise<{ status: number; body: string; head: string }> {
    for (;;) {
      const end = this.#heard.indexOf("\r\n\r\n");
      if (end !== -1) {
        const head = this.#heard.slice(0, end).toLowerCase();
        const length = Number(/content-length: (\d+)/.exec(head)?.[1] ?? 0);
        const bodyEnd = end + 4 + length;
        if (this.#heard.length >= bodyEnd) {
          const body = this.#heard.slice(end + 4, bodyEnd);
          this.#heard = this.#heard.slice(bodyEnd);
          return { status: Number(head.slice(9, 12)), body, head };
        }
      }
      if (this.socket.destroyed) throw new Error(`Closed after ${JSON.stringify(this.#heard)}`);
      await new Promise<void>((resolve) => {
        this.#tell = resolve;
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
  it("answers requests that come at once in their order, and keeps the connection", async () => {
    const connection = new Connection();
    connection.send(
      [1, 2, 3].map((n) => request("echo", `[${n}]`)).join("") + request("fail", "[]"),
    );
    for (const n of [1, 2, 3])
      expect(await connection.answer()).toMatchObject({ status: 200, body: `${n}` });
    const failed = await connection.answer();
    expect(failed).toMatchObject({ status: 500, body: '"no"' });
    expect(failed.head).toContain("lever-error: method");
    connection.send(request("echo", '["again"]'));
    const kept = await connection.answer();
    expect(kept.body).toBe('"again"');
    expect(kept.head).toMatch(/date: .+ gmt\r\nconnection: keep-alive\r\nkeep-alive: timeout=75/);
    connection.socket.destroy();
  });

  it("reads a request that comes byte by byte", async () => {
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

  it("carries bodies and replies up to the limit, and refuses larger ones as ever", async () => {
    const connection = new Connection();
    for (const length of [0, 1, 70_000, 4_194_000]) {
      connection.send(request("size", JSON.stringify(["x".repeat(length)])));
      expect((await connection.answer()).body).toBe(`${length}`);
      connection.send(request("large", `[${length}]`));
      expect((await connection.answer()).body.length).toBe(length + 2);
    }
    connection.send(request("size", JSON.stringify(["x".repeat(4_194_304)])));
    expect(await connection.answer()).toMatchObject({ status: 413 });
    connection.socket.destroy();
  });

  it("goes on with requests of every other kind", async () => {
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
    connection.send("OPTIONS /plain/echo?forceenv=dev.lever HTTP/1.1\r\nhost: x\r\n\r\n");
    expect((await connection.answer()).status).toBe(204);
    connection.send("nonsense\r\n\r\n");
    expect((await connection.answer()).status).toBe(400);
    await connection.ended;
  });

  it("ends after the answer when the caller wants that", async () => {
    const wanted = new Connection();
    wanted.send(request("echo", "[1]", "connection: close"));
    expect((await wanted.answer()).head).toContain("connection: close");
    await wanted.ended;
  });

  it("refuses what Lever cannot do, and goes on", async () => {
    const connection = new Connection();
    connection.send(request("nothing", "[]"));
    const refused = await connection.answer();
    expect(refused.status).toBe(404);
    expect(refused.head).toContain("application/problem+json");
    expect(JSON.parse(refused.body)).toMatchObject({ code: "unknown_method" });
    connection.send(request("echo", "{}"));
    expect((await connection.answer()).status).toBe(400);
    connection.send(request("echo", "[5]"));
    expect((await connection.answer()).body).toBe("5");
    connection.socket.destroy();
  });

  it("leaves its call when the caller leaves", async () => {
    const connection = new Connection();
    connection.send(request("wait", "[]"));
    const other = new Connection();
    const ask = async (method: string): Promise<string> => {
      other.send(request(method, "[]"));
      return (await other.answer()).body;
    };
    await expect.poll(() => ask("waits")).toBe("1");
    connection.socket.destroy();
    await connection.ended;
    await expect
      .poll(async () => {
        const { stdout } = await lever.lever(["ps", "--json"]);
        const { instances } = JSON.parse(stdout) as { instances: { callsInFlight: number }[] };
        return instances.reduce((sum, { callsInFlight }) => sum + callsInFlight, 0);
      })
      .toBe(0);
    await ask("release");
    other.socket.destroy();
  });

  it.each([
    ["a head", request("echo", "[1]").slice(0, 30)],
    ["a body", request("echo", "[1]").slice(0, -1)],
  ])("does not wait for ever for the rest of %s", async (_name, part) => {
    const connection = new Connection();
    connection.send(request("echo", "[0]"));
    await connection.answer();
    connection.send(part);
    expect((await connection.answer()).status).toBe(408);
    await connection.ended;
  });

  it("is read no further while its caller sends ahead of an answer", async () => {
    const connection = new Connection();
    connection.send(request("wait", "[]"));
    const ahead = request("echo", JSON.stringify(["x".repeat(10_000)]));
    for (let i = 0; i < 2_000; i++) connection.send(ahead);
    // 20 MB: the most of them stays with the caller.
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
