import { expect, it } from "vitest";
import { parseRights } from "./create.ts";

it("rights are a list separated by commas", () => {
  expect(parseRights("deploy, look, invoke")).toEqual(["deploy", "look", "invoke"]);
});

it.each(["", "deploy,", "root", "Admin"])("%j is not a list of rights", (text) => {
  expect(parseRights(text)).toBeUndefined();
});
