import { expect, it } from "vitest";
import { loadCommands } from "./commands/index.ts";
import { commandMeant, namedCommands, otherNames, withoutAlias } from "./other-names.ts";

it("an alias is replaced by its command, and other words stay", () => {
  expect(withoutAlias(["-E", "list", "list", "svc"])).toEqual(["-E", "list", "ls", "svc"]);
  expect(withoutAlias(["ls", "list"])).toEqual(["ls", "list"]);
  expect(withoutAlias([])).toEqual([]);
});

it("names of other programs lead to commands, and no command has one of them", async () => {
  const sections = await loadCommands(undefined);
  const names = sections.flatMap(({ commands }) => commands.map(({ name }) => name));
  expect(otherNames.filter((name) => names.includes(name))).toEqual([]);
  expect(namedCommands.filter((text) => !names.includes(text.split(" ")[0] ?? ""))).toEqual([]);
  expect(commandMeant("start")).toBe("up");
  expect(commandMeant("toString")).toBeUndefined();
});
