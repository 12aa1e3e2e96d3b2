import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { serviceVariables } from "./service-variables.ts";

it("a service has the variables of all services, of its name and of its folder", () => {
  const dir = mkdtempSync(join(tmpdir(), "lever-dev-variables-"));
  const folder = join(dir, "shop");
  mkdirSync(folder);
  const service = { name: "shop", folder };
  expect(serviceVariables(dir, service)).toEqual({});
  writeFileSync(join(dir, ".env"), "A=all\nB=all\nC=all\n");
  writeFileSync(join(dir, ".env.shop"), "B=name\nC=name\n");
  writeFileSync(join(dir, ".env.pay"), "A=other\n");
  writeFileSync(join(folder, ".env"), 'C="of its folder"\n');
  expect(serviceVariables(dir, service)).toEqual({ A: "all", B: "name", C: "of its folder" });
  rmSync(dir, { recursive: true });
});
