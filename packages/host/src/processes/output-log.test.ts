import { describe, expect, it } from "vitest";
import { OutputLog } from "./output-log.ts";

function logOf(bytesPerSecondMax: number): {
  log: OutputLog;
  lines: string[];
  dropped: number[];
  setNow: (now: number) => void;
} {
  let now = 0;
  const lines: string[] = [];
  const dropped: number[] = [];
  const log = new OutputLog({
    bytesPerSecondMax,
    clock: () => now,
    onLine: (line) => lines.push(line),
    onDropped: (bytes) => dropped.push(bytes),
  });
  return { log, lines, dropped, setNow: (value) => (now = value) };
}

describe("the log of a process's output", () => {
  it("has whole lines wherever the chunks end", () => {
    const { log, lines } = logOf(1_000);
    for (const chunk of ["on", "e\ntwo\nth", "ree"]) log.push(Buffer.from(chunk));
    expect(lines).toEqual(["one", "two"]);
    expect(log.tail()).toBe("one\ntwo\nthree");
    log.end();
    expect(lines).toEqual(["one", "two", "three"]);
  });

  it("drops output over the limit of a second, and counts it", () => {
    const { log, lines, dropped, setNow } = logOf(10);
    log.push(Buffer.from("12345\n12345\n12345\n"));
    log.push(Buffer.from("more\n"));
    expect(lines).toEqual(["12345"]);
    setNow(1_000);
    log.push(Buffer.from("\nnext\n"));
    expect(dropped).toEqual([13]);
    expect(lines).toEqual(["12345", "1234", "next"]);
  });

  it("stores the last lines, also dropped ones", () => {
    const { log, lines } = logOf(10);
    for (let i = 0; i < 100; i++) log.push(Buffer.from(`line ${i}\n`));
    expect(lines).toEqual(["line 0"]);
    const quoted = log.tail().split("\n");
    expect([quoted.length, quoted[0], quoted[19]]).toEqual([20, "line 80", "line 99"]);
    log.push(Buffer.from("x".repeat(5_000)));
    expect(log.tail()).toHaveLength(2_000);
  });

  it("cuts a line that is too long", () => {
    const { log, lines } = logOf(1_000_000);
    log.push(Buffer.from(`${"x".repeat(5_000)}\n`));
    expect(lines[0]).toHaveLength(1_000);
  });
});
