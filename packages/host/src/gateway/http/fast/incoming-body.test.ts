import { describe, expect, it } from "vitest";
import { newMemory } from "../../new-memory.ts";
import { SizedBody } from "./incoming-body.ts";

describe("SizedBody", () => {
  it("a body in pieces is complete with its last byte", () => {
    const body = new SizedBody(6, newMemory);
    expect(body.receive(Buffer.from("abc"))).toBe(3);
    expect(body.isComplete).toBe(false);
    expect(body.receive(Buffer.from("def"))).toBe(3);
    expect(body.isComplete).toBe(true);
    expect(body.arriving.body.toString()).toBe("abcdef");
  });

  it("a body in pieces takes no byte of the next request", () => {
    const body = new SizedBody(6, newMemory);
    body.receive(Buffer.from("abcd"));
    expect(body.receive(Buffer.from("efPOST"))).toBe(2);
    expect(body.receive(Buffer.from("POST"))).toBe(0);
    expect(body.arriving.body.toString()).toBe("abcdef");
  });

  it("a body in pieces may begin without a byte", () => {
    const body = new SizedBody(6, newMemory);
    expect(body.receive(Buffer.alloc(0))).toBe(0);
    expect(body.isComplete).toBe(false);
  });
});
