import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readService } from "./read-service.ts";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "lever-service-"));
});

afterEach(() => rm(folder, { recursive: true }));

async function put(files: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
}

const leverJson = (jsEntry: string): { "lever.json": string } => ({
  "lever.json": JSON.stringify({ name: "abc", jsEntry }),
});

describe("a jsEntry means the file that Node would take:", () => {
  it.each([
    ["./server.js", ["server.js", "server.ts"], "server.js"],
    ["server", ["server.js", "server.ts", "server/index.js"], "server.js"],
    ["server", ["server.json", "server.ts"], "server.ts"],
    ["server", ["server", "server.js"], "server"],
    ["lib", ["lib/index.mjs"], "lib/index.mjs"],
    ["lib/", ["lib.js", "lib/index.ts"], "lib/index.ts"],
    [".", ["index.cjs"], "index.cjs"],
    ["hello.service", ["hello.service.ts"], "hello.service.ts"],
  ])("%s beside %j", async (jsEntry, files, expected) => {
    await put({
      ...leverJson(jsEntry),
      ...Object.fromEntries(files.map((file) => [file, ""])),
    });
    expect((await readService(folder)).leverJson.jsEntry).toBe(expected);
  });
});

describe("a missing jsEntry is refused, and the error lists similar files:", () => {
  it.each([
    ["sever", ["server.js", "node_modules/sever/index.js"], "Did you mean server.js?"],
    ["server.js", ["src/server.ts"], "Did you mean src/server.ts?"],
    ["server.js", ["handler.js", "lib/routes.ts"], "There is handler.js, lib/routes.ts."],
  ])("%s beside %j", async (jsEntry, files, hint) => {
    await put({
      ...leverJson(jsEntry),
      ...Object.fromEntries(files.map((file) => [file, ""])),
    });
    await expect(readService(folder)).rejects.toThrow(
      `lever.json: field jsEntry is "${jsEntry}"; there is no such file in the service folder. ${hint}`,
    );
  });
});

describe("a package leveros", () => {
  const deployWith = async (packageJson: string): Promise<readonly string[]> => {
    await put({
      ...leverJson("server.js"),
      "server.js": "",
      "node_modules/leveros/package.json": packageJson,
    });
    return (await readService(folder)).warnings;
  };

  it("the original's is a warning", async () => {
    expect(await deployWith('{"version": "0.1.3", "dependencies": {"grpc": "^0.14.0"}}')).toEqual([
      "node_modules/leveros is the client of the original Lever OS (0.1.3). The service gets the client of this Lever instead. To remove the old one: npm uninstall leveros",
    ]);
    expect(await deployWith("nonsense")).toHaveLength(1);
  });

  it("this Lever's own is none", async () => {
    const own = '{"version": "0.1.0", "dependencies": {"@leveros/protocol": "0.1.0"}}';
    expect(await deployWith(own)).toEqual([]);
  });
});

describe("the folder of files and its fallback must be in the service folder:", () => {
  it.each([
    ["none", undefined, "allowed is a folder in the service folder."],
    ["server.js", undefined, "allowed is a folder in the service folder."],
    ["outside", undefined, "allowed is a folder in the service folder."],
    ["public", "none.html", "there is no such file in the folder public."],
    ["public", "docs", "allowed is a plain file in the folder public."],
    ["public", "out.js", "allowed is a plain file in the folder public."],
  ])("static %j, staticFallback %j", async (files, fallback, reason) => {
    const fields = { name: "abc", static: files, staticFallback: fallback };
    await put({
      "lever.json": JSON.stringify(fields),
      "server.js": "",
      "public/docs/index.html": "",
    });
    await symlink(tmpdir(), join(folder, "outside"));
    await symlink("../server.js", join(folder, "public/out.js"));
    await expect(readService(folder)).rejects.toThrow(reason);
  });

  it("a folder with a page is accepted, without any program", async () => {
    const fields = { name: "abc", static: "public", staticFallback: "index.html" };
    await put({ "lever.json": JSON.stringify(fields), "public/index.html": "" });
    expect((await readService(folder)).leverJson).toMatchObject({ ...fields, entry: undefined });
  });
});
