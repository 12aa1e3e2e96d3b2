import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const module = fileURLToPath(new URL("drop-privileges.ts", import.meta.url));

/** In a process of its own, which is somebody else afterwards: who it is then, or why it refused. */
function become(user: object | undefined, before = ""): unknown {
  const code = `
    const { dropPrivileges } = await import(${JSON.stringify(module)});
    ${before}
    let outcome;
    try { dropPrivileges(${JSON.stringify(user)}, { isNeeded: true }); outcome = process.getuid(); }
    catch (error) { outcome = error.message; }
    console.log(JSON.stringify(outcome));`;
  const args = ["--no-warnings", "--input-type=module", "-e", code];
  return JSON.parse(execFileSync(process.execPath, args, { encoding: "utf8" }));
}

const uid = 0x7f10_0000;
const isRoot = process.getuid?.() === 0;

it("a runtime that is to have a user does not go on without one", () => {
  expect(become(undefined)).toContain("none was named");
});

it("a runtime becomes the user that it is told, where it can, and no one else", () => {
  expect(become({ uid, gid: uid })).toEqual(isRoot ? uid : expect.stringContaining("EPERM"));
  const refused = isRoot ? /is not 0 for good/ : /EPERM/;
  expect(become({ uid: 0, gid: 0 })).toEqual(expect.stringMatching(refused));
});

it("a runtime that keeps anything of who it was does not go on", () => {
  const keeps = (name: string): unknown => become({ uid, gid: uid }, `process.${name} = () => {};`);
  for (const name of ["setuid", "setgid"]) {
    const refused = isRoot ? /for good/ : /EPERM/;
    expect(keeps(name), name).toEqual(expect.stringMatching(refused));
  }
});
