import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join, relative, resolve } from "node:path";
import { askLine, isOnTerminal } from "../../ask.ts";
import { type Command, command } from "../../command.ts";
import { usageError } from "../../exit-status.ts";
import { printNote, printResult } from "../../output.ts";
import { oneOf, optional } from "../../parameters.ts";
import { programName } from "../../program-name.ts";
import { shellWord } from "../../shell-word.ts";
import { readVersion } from "../../version.ts";
import { projectFiles, serviceNameOf } from "./project-files.ts";
import { examplesFolder, type Template, templates } from "./templates.ts";

const [first] = templates;
const names = templates.map(({ name }) => name);
const list = templates.map(({ name, about }) => `  ${name.padEnd(10)} ${about}`).join("\n");

/** Files that a folder may have already. They stay as they are. */
const MAY_EXIST: ReadonlySet<string> = new Set(["package.json", "tsconfig.json", ".gitignore"]);

export const init: Command = command({
  name: "init",
  summary: "begin a service in a folder",
  description: "Write a service that runs, with a test, into a folder.",
  isLocal: true,
  arguments: {
    template: optional("what to begin with (default: hello-ts)", oneOf(...names)),
    dir: optional("folder to write to (default: this one). The service gets its name"),
  },
  notes: `Templates:
${list}

No file is replaced. A package.json, tsconfig.json or .gitignore that is there stays as it is.`,
  examples: [
    ["lever init", "a service in TypeScript, in this folder"],
    ["lever init hello-ts shop", "in the folder shop, with the name shop"],
    ["lever init counter"],
  ],
  run: async ({ template: wanted, dir = "." }) => {
    const template = templates.find(({ name }) => name === wanted) ?? (await chooseTemplate());
    const folder = resolve(dir);
    const service = serviceNameOf(folder) ?? template.call.service;
    const example = join(examplesFolder(), template.example);
    const files = projectFiles(template, { example, service, version: readVersion() });
    const present = [...files.keys()].filter((path) => existsSync(join(folder, path)));
    const kept = present.filter((path) => MAY_EXIST.has(path));
    const others = present.filter((path) => !MAY_EXIST.has(path));
    if (others.length > 0) {
      throw usageError(
        `Cannot begin a service in ${dir}: these files are there already: ${others.join(", ")}. Name another folder: lever init ${template.name} <folder>`,
      );
    }
    for (const [path, text] of files) {
      if (kept.includes(path)) continue;
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), text, { flag: "wx" });
    }
    if (kept.length > 0) printNote(`Left as they are: ${kept.join(", ")}.`);
    const lever = programName(process.env);
    const place = relative(process.cwd(), folder);
    printResult(
      [
        `Wrote ${files.size - kept.length} files${place === "" ? "" : ` to ${place}`}. Next:`,
        ...(place === "" ? [] : [`  cd ${shellWord(place)}`]),
        "  npm install     types, and the test's helper",
        `  ${lever} dev       run it, and reload on save`,
        "  npm test",
      ].join("\n"),
    );
  },
});

/** Asks on a terminal. Elsewhere it is the default. */
async function chooseTemplate(): Promise<Template> {
  if (!isOnTerminal()) return first;
  printNote(`Templates:\n${list}`);
  const answer = (await askLine(`Which one? [${first.name}] `)).trim();
  if (answer === "") return first;
  const chosen = templates.find(({ name }) => name === answer);
  if (chosen !== undefined) return chosen;
  throw usageError(
    `Cannot use ${JSON.stringify(answer)} as the template: allowed is ${names.join(", ")}.`,
  );
}
