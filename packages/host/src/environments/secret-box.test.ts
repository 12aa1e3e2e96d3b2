import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { SecretBox } from "./secret-box.ts";

let folder: string;
let file: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lever-secrets-"));
  file = join(folder, "secret.key");
});
afterEach(() => rmSync(folder, { recursive: true }));

describe("a lost key", () => {
  const lose: readonly (readonly [string, () => void, string])[] = [
    ["is missing", () => rmSync(file), "cannot be read, because a file is missing (ENOENT)"],
    ["is empty", () => writeFileSync(file, ""), "has 0 bytes, not 32"],
    [
      "is a folder",
      () => {
        rmSync(file);
        mkdirSync(file);
      },
      "cannot be read, because a folder is in the place of a file",
    ],
  ];

  it.each(lose)("that %s is not replaced, and is named without its path", (_, change, reason) => {
    const sealed = new SecretBox(file).seal("secret", "p");
    change();
    const before = readdirSync(folder);
    const box = new SecretBox(file);
    for (const use of [
      () => box.open(sealed, "p"),
      () => box.seal("x", "q", { mayCreateKey: false }),
    ]) {
      expect(use).toThrow(expect.objectContaining({ code: "unavailable" }));
      expect(use).toThrow(`the key in the host's secret.key ${reason}`);
      expect(use).not.toThrow(folder);
    }
    expect(readdirSync(folder)).toEqual(before);
  });

  it("is not used from memory", () => {
    const box = new SecretBox(file);
    box.seal("secret", "p");
    rmSync(file);
    expect(() => box.seal("other", "p", { mayCreateKey: false })).toThrow("Cannot seal");
  });
});

describe("a secret", () => {
  it("is unchanged when it is opened, also by the next host", () => {
    for (const secret of ["", "s3cret", "é\u{1F600}\n", "x".repeat(30_000)]) {
      const sealed = new SecretBox(file).seal(secret, "a/b/C");
      expect(sealed).not.toContain(secret || "never");
      expect(new SecretBox(file).open(sealed, "a/b/C")).toBe(secret);
    }
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it("is sealed to different bytes each time", () => {
    const box = new SecretBox(file);
    expect(box.seal("same", "p")).not.toBe(box.seal("same", "p"));
  });

  it("is sealed even if a crash has left a partial key file", () => {
    writeFileSync(`${file}.${process.pid}`, "half");
    const sealed = new SecretBox(file).seal("secret", "p");
    expect(new SecretBox(file).open(sealed, "p")).toBe("secret");
    expect(readdirSync(folder)).toEqual(["secret.key"]);
  });

  it("cannot be opened for another place or with another key", () => {
    const box = new SecretBox(file);
    const sealed = box.seal("secret", "dev.lever/svc/TOKEN");
    expect(() => box.open(sealed, "dev.lever/other/TOKEN")).toThrow("Cannot read the secret");
    writeFileSync(file, Buffer.alloc(32));
    expect(() => new SecretBox(file).open(sealed, "dev.lever/svc/TOKEN")).toThrow("not the one");
  });

  it.each(["", "secret"])(
    "cannot be opened when one bit is changed or its end is cut: %j",
    (secret) => {
      const box = new SecretBox(file);
      const sealed = Buffer.from(box.seal(secret, "p"), "base64");
      const open = (bytes: Buffer) => box.open(bytes.toString("base64"), "p");
      expect(open(sealed)).toBe(secret);
      for (const at of sealed.keys()) {
        const changed = Buffer.from(sealed);
        changed.writeUInt8(sealed.readUInt8(at) ^ 1, at);
        expect(() => open(changed), `byte ${at} changed`).toThrow("the key in");
        expect(() => open(sealed.subarray(0, at)), `cut at ${at}`).toThrow("the key in");
      }
    },
  );
});
