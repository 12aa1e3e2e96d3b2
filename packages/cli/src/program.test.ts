import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { command, commandGroup } from "./command.ts";
import { loadCommands } from "./commands/index.ts";
import { flag, oneOrMore, optional, required, value } from "./parameters.ts";
import { createProgram, longName } from "./program.ts";

/** The values with which a command runs for a command line. */
async function valuesFor(argv: readonly string[]): Promise<unknown> {
  let received: unknown;
  const show = command({
    name: "show",
    summary: "show",
    description: "Show.",
    arguments: { first: required("the first"), second: optional("the second") },
    options: { tlsCert: value("<file>", "a file"), all: flag("all", { short: "a" }) },
    examples: [["lever show a"]],
    run: async (values, readSettings) => {
      received = { ...values, host: readSettings().host };
    },
  });
  const all = command({
    name: "all",
    summary: "all",
    description: "All.",
    arguments: { words: oneOrMore("some words") },
    examples: [["lever group all a b"]],
    run: async (values) => {
      received = values;
    },
  });
  const group = commandGroup({
    name: "group",
    summary: "group",
    description: "Group.",
    examples: [["lever group all a b"]],
    commands: [all],
  });
  const program = createProgram([{ heading: "All:", commands: [show, group] }], { version: "0" });
  await program.parseAsync([...argv], { from: "user" });
  return received;
}

it("a command receives its arguments and options by their names in the declaration", async () => {
  expect(await valuesFor(["show", "x", "--tls-cert", "c.pem", "-a", "-H", "h:1"])).toEqual({
    first: "x",
    second: undefined,
    tlsCert: "c.pem",
    all: true,
    host: "h:1",
  });
  expect(await valuesFor(["-H", "h:1", "show", "x", "y"])).toMatchObject({
    second: "y",
    tlsCert: undefined,
    all: false,
  });
});

it("a command of a group receives all further words", async () => {
  expect(await valuesFor(["group", "all", "x", "y"])).toEqual({ words: ["x", "y"] });
});

it("a command that works on this machine refuses --host: status 2", async () => {
  const program = createProgram(await loadCommands("up"), { version: "0" });
  const run = program.parseAsync(["up", "-H", "h:1"], { from: "user" });
  await expect(run).rejects.toMatchObject({
    status: 2,
    message:
      "Cannot use --host for lever up: it works on this machine. To choose the address of the host, use --bind and --port.",
  });
});

const commands = (await loadCommands(undefined)).flatMap((section) => section.commands);
/** Each command by its full name, such as `env ls`. */
const leaves = new Map(
  commands.flatMap((one) =>
    one.kind === "group"
      ? one.commands.map((inner) => [`${one.name} ${inner.name}`, inner] as const)
      : [[one.name, one] as const],
  ),
);

it("every command has examples of its own, and texts that end as they should", () => {
  for (const { examples, summary, description, notes = "." } of [...commands, ...leaves.values()]) {
    expect(examples.length).toBeGreaterThan(0);
    expect(summary).toMatch(/^[a-z].*[^.]$/);
    expect(description).toMatch(/^[A-Z].*\.$/);
    for (const line of notes.split("\n")) expect(line.length).toBeLessThanOrEqual(120);
    for (const [line] of examples) expect(line).toMatch(/(^|\| )lever /);
  }
});

it("every command that prints a table, a list or a report has --json", () => {
  const without = [...leaves].filter(([, { options }]) => !("json" in options));
  expect(without.map(([name]) => name).toSorted()).toEqual([
    "cluster key",
    "completion",
    "console",
    "context add",
    "context rm",
    "context use",
    "dev",
    "env close",
    "env create",
    "env network",
    "env open",
    "env rm",
    "init",
    "invoke",
    "login",
    "logout",
    "route add",
    "route rm",
    "secret set",
    "secret unset",
    "stream",
    "token revoke",
    "up",
    "var set",
    "var unset",
  ]);
});

it("the reference names every command and every option", () => {
  const path = new URL("../../../docs/reference/command.md", import.meta.url);
  const reference = readFileSync(path, "utf8");
  const names = [...leaves].flatMap(([name, { options }]) => [
    ...name.split(" "),
    ...Object.keys(options).map(longName),
  ]);
  expect(
    names.filter((name) => !new RegExp(`(?<![\\w-])${name}(?![\\w-])`).test(reference)),
  ).toEqual([]);
});

it.each(commands.map(({ name }) => name))("the command %s is loaded alone", async (name) => {
  const loaded = await loadCommands(name);
  expect(loaded.flatMap((section) => section.commands).map((one) => one.name)).toEqual([name]);
});

it.each<[string, boolean, string | undefined]>([
  ["log --host", true, undefined],
  ["log --host h:1", false, "h:1"],
  ["-H h:1 log --host", true, "h:1"],
  ["log --host --all -H h:1", true, "h:1"],
  ["log --all", false, undefined],
])(
  "with a flag --host of the command, %j has it: %s, and asks the host %s",
  async (line, isBare, address) => {
    let received: unknown;
    const log = command({
      name: "log",
      summary: "log",
      description: "Log.",
      options: { host: flag("the host's"), all: flag("all") },
      examples: [["lever log --host"]],
      run: async ({ host }, readSettings) => {
        received = [host, readSettings().host];
      },
    });
    const program = createProgram([{ heading: "All:", commands: [log] }], { version: "0" });
    await program.parseAsync(line.split(" "), { from: "user" });
    expect(received).toEqual([isBare, address ?? "127.0.0.1:8080"]);
  },
);
