import { expect, it } from "vitest";
import { asksForVersion, findCommandName, markStdinBytes } from "./command-line.ts";

it.each([
  [["ls", "-E", "x"], "ls"],
  [["-E", "invoke", "ls", "--"], "ls"],
  [["--host=y", "-V", "help"], "help"],
  [["--"], undefined],
  [[], undefined],
])("the name of the command in %j is %s", (argv, name) => {
  expect(findCommandName(argv)).toBe(name);
});

it.each([
  [["--version"], true],
  [["-V"], true],
  [["ls", "-V"], false],
  [[], false],
])("whether %j asks for nothing but the version is %s", (argv, expected) => {
  expect(asksForVersion(argv)).toBe(expected);
});

it("-- means standard input to invoke only, and an option's value is not the command", () => {
  const marked = markStdinBytes(["-E", "x", "--host=y", "invoke", "/s/m", "--"]);
  expect(marked.at(-1)).not.toBe("--");
  expect(marked.slice(0, -1)).toEqual(["-E", "x", "--host=y", "invoke", "/s/m"]);
  for (const argv of [["deploy", "--", "invoke"], ["-E", "invoke", "ls", "--"], ["--"], []]) {
    expect(markStdinBytes(argv)).toEqual(argv);
  }
});
