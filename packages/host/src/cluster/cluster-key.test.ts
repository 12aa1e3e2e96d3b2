import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { ClusterKey } from "./cluster-key.ts";

const folder = mkdtempSync(join(tmpdir(), "lever-key-"));
afterAll(() => rmSync(folder, { recursive: true }));

const keyFile = (name: string, content: string = ClusterKey.create()): string => {
  const file = join(folder, name);
  writeFileSync(file, content);
  return file;
};

it("hosts with the same file open each other's secrets", () => {
  const file = keyFile("same");
  const [a, b] = [ClusterKey.read(file), ClusterKey.read(file)];
  expect(b.open(a.seal("ßecret", "place"), "place")).toBe("ßecret");
  expect(() => b.checkId(a.id)).not.toThrow();
});

it("a secret of another key is refused, and both keys are named", () => {
  const [a, b] = [ClusterKey.read(keyFile("a")), ClusterKey.read(keyFile("b"))];
  const sealed = a.seal("secret", "dev/NAME");
  expect(() => b.open(sealed, "dev/NAME")).toThrow(
    `Cannot read the secret dev/NAME: it was sealed with the key ${a.id}, and this host has ${b.id}.`,
  );
  expect(() => b.checkId(a.id)).toThrow("Copy the key file of another host");
});

it("a secret that was changed, or of another place, is refused", () => {
  const key = ClusterKey.read(keyFile("c"));
  const sealed = key.seal("secret", "here");
  expect(() => key.open(sealed, "there")).toThrow("it was changed, or copied");
  // The last characters of base64 have bits that do not count.
  const at = sealed.length - 10;
  const changed = sealed.slice(0, at) + (sealed[at] === "A" ? "B" : "A") + sealed.slice(at + 1);
  expect(() => key.open(changed, "here")).toThrow("Set the secret again");
});

it.each([
  ["short", "c2hvcnQ=\n", "has 5 bytes of base64, not 32"],
  ["missing", undefined, "a file is missing (ENOENT)"],
])("a key file that is %s is refused with a remedy", (name, content, reason) => {
  const file = content === undefined ? join(folder, name) : keyFile(name, content);
  expect(() => ClusterKey.read(file)).toThrow(reason);
  expect(() => ClusterKey.read(file)).toThrow(`lever cluster key new > ${file}`);
});
