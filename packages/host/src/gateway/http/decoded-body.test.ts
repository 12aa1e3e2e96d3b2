import { EventEmitter, once } from "node:events";
import zlib from "node:zlib";
import { describe, expect, it } from "vitest";
import { BodyBudget } from "../body-budget.ts";
import { DecodedBody } from "./decoded-body.ts";
import type { HttpRequest } from "./exchange.ts";

const MB = 1024 * 1024;

/** A request whose body the test sends. */
class SentRequest extends EventEmitter implements HttpRequest {
  readonly headers = {};
  readonly httpVersion = "1.1";
  readonly httpVersionMajor = 1;
  readonly socket = {};
  readonly complete = false;
  readonly pauses: string[] = [];
  kept = 0;

  keep(): () => void {
    this.kept++;
    return () => {
      this.kept--;
    };
  }
  pause(): void {
    this.pauses.push("pause");
  }
  resume(): void {
    this.pauses.push("resume");
    this.emit("resumed");
  }
  destroy(): void {}
}

describe("the decoded body of a stream", () => {
  it("is decoded no faster than it is read, however much it becomes", async () => {
    const request = new SentRequest();
    const body = new DecodedBody(request, "gzip", new BodyBudget(MB));
    let bytes = 0;
    const first = new Promise<void>((resolve) => {
      body.on("data", (chunk) => {
        bytes += chunk.length;
        body.pause();
        resolve();
      });
    });
    const bomb = zlib.gzipSync(Buffer.alloc(80 * MB));
    request.emit("data", bomb);
    await first;
    expect([request.pauses, request.kept]).toEqual([["pause"], 1]);
    const ended = new Promise<void>((resolve) => body.on("end", resolve));
    body.on("data", () => setImmediate(() => body.resume()));
    body.resume();
    await once(request, "resumed");
    request.emit("end");
    await ended;
    expect([bytes, request.pauses, request.kept]).toEqual([80 * MB, ["pause", "resume"], 0]);
  });

  it("takes its decoder's memory from the budget of all bodies, and gives it back once", () => {
    const budget = new BodyBudget(20 * MB);
    const body = new DecodedBody(new SentRequest(), "br", budget);
    expect(() => new DecodedBody(new SentRequest(), "br", budget)).toThrow("too many calls");
    body.stop();
    body.stop();
    expect(budget.bytes).toBe(0);
  });

  it("may end too early without a reader", async () => {
    const request = new SentRequest();
    const body = new DecodedBody(request, "deflate", new BodyBudget(MB));
    request.emit("end");
    const [error] = await new Promise<unknown[]>((resolve) =>
      body.on("error", (...args) => resolve(args)),
    );
    expect(error).toMatchObject({ code: "malformed_request" });
  });

  it("reads nothing any more once it is stopped", () => {
    const request = new SentRequest();
    const body = new DecodedBody(request, "deflate", new BodyBudget(MB));
    body.stop();
    request.emit("data", Buffer.from("no deflate"));
    request.emit("end");
    expect([request.kept, request.pauses]).toEqual([0, []]);
  });
});
