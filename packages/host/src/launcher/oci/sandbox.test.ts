import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { Sandbox, visiblePaths } from "./sandbox.ts";

let dir: string;
let sandbox: Sandbox;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "lever-sandbox-"));
  const root = { sandboxes: join(dir, "sandboxes"), bundles: join(dir, "bundles") };
  for (const path of Object.values(root)) mkdirSync(path);
  sandbox = new Sandbox(root, "c1");
});

afterEach(() => rmSync(dir, { recursive: true }));

it("the configuration is where the container runtime expects it", () => {
  sandbox.writeConfig({ ociVersion: "1.0.2" });
  expect(readFileSync(join(sandbox.bundle, "config.json"), "utf8")).toBe('{"ociVersion":"1.0.2"}');
});

it.each([
  ["", undefined],
  ["4711", 4711],
])("a pid file with %j means process %s", (text, pid) => {
  expect(sandbox.readPid()).toBeUndefined();
  writeFileSync(sandbox.pidFile, text);
  expect(sandbox.readPid()).toBe(pid);
});

it("a removed sandbox leaves nothing", () => {
  sandbox.writeConfig({});
  sandbox.remove();
  expect([sandbox.dir, sandbox.bundle].filter(existsSync)).toEqual([]);
});

it("removal never deletes files of a service that is still mounted", () => {
  const file = join(sandbox.dir, "service", "file");
  writeFileSync(file, "kept");
  expect(() => sandbox.remove()).toThrow("ENOTEMPTY");
  expect(readFileSync(file, "utf8")).toBe("kept");
});

it("a container sees code and data of its service below its sandbox folder", () => {
  expect(visiblePaths("/lever/sandbox")).toEqual({
    codeDir: "/lever/sandbox/service/code",
    dataDir: "/lever/sandbox/service/data",
  });
});
