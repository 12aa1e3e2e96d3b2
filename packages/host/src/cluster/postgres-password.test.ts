import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { findPassword, passwordIn } from "./postgres-password.ts";
import { parseDatabaseUrl } from "./postgres-url.ts";

const address = parseDatabaseUrl("postgres://lever@db.example:6000/state");

it.each([
  ["db.example:6000:state:lever:secret", "secret"],
  ["# db.example:6000:state:lever:no\nother:6000:state:lever:no\n*:*:*:lever:yes", "yes"],
  ["db.example:6000:state:lever:a\\:b\\\\c", "a:b\\c"],
  ["db.example:5432:state:lever:secret", undefined],
  ["db.example:6000:state:lever", undefined],
])("the password file %j has the password %j", (text, password) => {
  expect(passwordIn(text, address)).toBe(password);
});

it("the password of the URL comes before PGPASSWORD, and that before the password file", () => {
  const folder = mkdtempSync(join(tmpdir(), "lever-password-"));
  const file = join(folder, "passwords");
  writeFileSync(file, "*:*:*:*:from file", { mode: 0o600 });
  const env = { PGPASSFILE: file };
  expect(findPassword({ ...address, password: "a" }, { ...env, PGPASSWORD: "b" })).toBe("a");
  expect(findPassword(address, { ...env, PGPASSWORD: "b" })).toBe("b");
  expect(findPassword(address, env)).toBe("from file");
  expect(findPassword(address, { PGPASSFILE: join(folder, "none") })).toBeUndefined();
  chmodSync(file, 0o644);
  expect(() => findPassword(address, env)).toThrow(`Run: chmod 600 ${file}`);
  rmSync(folder, { recursive: true });
});
