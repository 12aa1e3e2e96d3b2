import { expect, it } from "vitest";
import { programName } from "./program-name.ts";

it("what is suggested begins with npx where the user has called the command by it", () => {
  expect([{ npm_command: "exec" }, { npm_command: "test" }, {}].map(programName)).toEqual([
    "npx lever",
    "lever",
    "lever",
  ]);
});
