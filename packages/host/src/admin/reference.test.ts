import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { adminMethods } from "./admin-methods.ts";
import type { AdminMethod } from "./method-table.ts";

const page = readFileSync(join(import.meta.dirname, "../../../../docs/reference/admin.md"), "utf8");

function placeOf(method: AdminMethod<never>): string {
  if (method.right === "any") return "any";
  const isInOne = method.arguments.some(({ role }) => role === "environment");
  return isInOne ? "the given one" : "all";
}

function rowOf([name, method]: [name: string, method: AdminMethod<never>]): string {
  const args = method.arguments.map((argument) => argument.name).join(", ");
  const names = method.alias === undefined ? [name] : [name, method.alias];
  return `| ${[
    names.map((of) => `\`${of}(${args})\``).join(", "),
    `\`${method.right}\``,
    placeOf(method),
    method.isChange ? "yes" : "no",
    method.does,
  ].join(" | ")} |`;
}

it("the reference has a row for every admin method, as it is declared", () => {
  const rows = page.slice(page.indexOf("| `")).trimEnd().split("\n");
  expect(rows).toEqual(Object.entries(adminMethods).map(rowOf));
});

it("what the reference says of a method is one short sentence", () => {
  for (const { does } of Object.values(adminMethods)) {
    expect(does).toMatch(/^[A-Z].*\.$/);
    expect(does.split(" ").length).toBeLessThanOrEqual(25);
  }
});
