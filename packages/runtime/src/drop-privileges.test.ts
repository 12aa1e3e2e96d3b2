import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const module = fileURLToPath(new URL("drop-privileges.ts", import.meta.url));

/** Drops the privileges of another process: returns its user afterwards, or the error message. */
function dropIn(user: object | undefined, before = ""): unknown {
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

it("a runtime that must have a user refuses an assignment without one", () => {
  expect(dropIn(undefined)).toContain("the assignment names none");
});

it("a runtime switches to the assigned user, but not to root", () => {
  expect(dropIn({ uid, gid: uid })).toEqual(isRoot ? uid : expect.stringContaining("EPERM"));
  const refused = isRoot ? /is not only user 0/ : /EPERM/;
  expect(dropIn({ uid: 0, gid: 0 })).toEqual(expect.stringMatching(refused));
});

it("a runtime that keeps one of its old ids refuses to continue", () => {
  const keeps = (name: string): unknown => dropIn({ uid, gid: uid }, `process.${name} = () => {};`);
  for (const name of ["setuid", "setgid"]) {
    const refused = isRoot ? /is not only user/ : /EPERM/;
    expect(keeps(name), name).toEqual(expect.stringMatching(refused));
  }
});
