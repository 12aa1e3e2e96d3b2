import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readEnvFile } from "./env-file.ts";

let dir: string;

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "lever-env-file-"));
});

afterAll(() => rmSync(dir, { recursive: true }));

function read(content: string): Promise<Readonly<Record<string, string>>> {
  const path = join(dir, ".env");
  writeFileSync(path, content);
  return readEnvFile(path);
}

describe("a .env file", () => {
  it.each([
    ["A=1\nB=2", { A: "1", B: "2" }],
    ["# comment\n\nA=1 # comment", { A: "1" }],
    ["export A=1", { A: "1" }],
    ["A='a # b'\nB=\"c # d\"", { A: "a # b", B: "c # d" }],
    ['A="first\nsecond"\nB=2', { A: "first\nsecond", B: "2" }],
    ['A="first\\nsecond"', { A: "first\nsecond" }],
    ["A=\r\nB=x=y\r\n", { A: "", B: "x=y" }],
  ])("%j is read as Node reads it", async (content, values) => {
    expect(await read(content)).toEqual(values);
  });

  it.each(["", "# only a comment\n", "no assignment"])("%j has none: status 2", async (content) => {
    await expect(read(content)).rejects.toMatchObject({
      status: 2,
      message: expect.stringContaining("no line of the form NAME=value"),
    });
  });

  it("a file that is too large is not read", async () => {
    await expect(read("#".repeat(5_000_000))).rejects.toThrow("has 5000000 bytes; allowed are");
  });

  it("a file that does not exist is an error with its path: status 2", async () => {
    const path = join(dir, "missing.env");
    await expect(readEnvFile(path)).rejects.toMatchObject({
      status: 2,
      message: expect.stringContaining(`Cannot read ${path}: ENOENT`),
    });
  });
});
