import { lstat, readFile, realpath, stat } from "node:fs/promises";
import { join } from "node:path";
import {
  jsEntryCandidates,
  type LeverJson,
  parseLeverJson,
  suggestJsEntry,
} from "@leveros/protocol";
import { CommandError, exitStatus, usageError } from "../../exit-status.ts";
import { readIgnoreRules } from "./ignore-rules.ts";
import { type FolderEntry, listEntries } from "./list-entries.ts";

/** A folder that the command has checked. Only the host can find out whether the service starts. */
export interface ServiceFolder {
  /** An absolute path without links. */
  readonly folder: string;
  readonly leverJson: LeverJson;
  readonly warnings: readonly string[];
  readonly entries: readonly FolderEntry[];
  /** The size of all files together. */
  readonly bytes: number;
}

const LEVER_JSON_BYTES_MAX = 256 * 1024;
const PROBLEMS_SHOWN = 20;

const EXAMPLE = `The smallest lever.json is: {"name": "myService", "jsEntry": "server.js"}`;

/**
 * Checks a service folder before anything is sent.
 * @throws CommandError with every problem of the folder.
 */
export async function readServiceFolder(dir: string): Promise<ServiceFolder> {
  const folder = await realpath(dir).catch(() => {
    throw usageError(`Cannot deploy ${dir}: there is no such folder.`);
  });
  if (!(await stat(folder)).isDirectory()) {
    throw usageError(`Cannot deploy ${dir}: it is a file; allowed is a folder with a lever.json.`);
  }
  const { leverJson, warnings } = await readLeverJson(folder, dir);
  const rules = await readIgnoreRules(folder);
  const { entries, bytes, problems } = await listEntries(folder, rules);
  if (problems.length > 0) throw cannotDeploy(dir, problems);
  const { jsEntry } = leverJson;
  if (jsEntry !== undefined) {
    const candidates = jsEntryCandidates(jsEntry);
    const paths = entries.map(({ path }) => path);
    if (!candidates.some((candidate) => paths.includes(candidate))) {
      const isThere = await hasFile(folder, candidates);
      const reason = isThere
        ? `that file is excluded${rules.file === undefined ? "" : ` by ${rules.file}`}.`
        : `there is no such file in the folder. ${suggestJsEntry(jsEntry, paths)}`;
      throw cannotDeploy(dir, [
        `lever.json: field jsEntry is ${JSON.stringify(jsEntry)}; ${reason}`,
      ]);
    }
  }
  return { folder, leverJson, warnings, entries, bytes };
}

async function hasFile(folder: string, paths: readonly string[]): Promise<boolean> {
  const found = await Promise.all(
    paths.map((path) => stat(join(folder, path)).catch(() => undefined)),
  );
  return found.some((file) => file?.isFile() === true);
}

async function readLeverJson(
  folder: string,
  dir: string,
): Promise<{ leverJson: LeverJson; warnings: readonly string[] }> {
  const file = join(folder, "lever.json");
  const found = await lstat(file).catch(() => undefined);
  if (found === undefined) {
    throw cannotDeploy(dir, [
      "lever.json: the file is missing from the top of the folder.",
      EXAMPLE,
    ]);
  }
  if (!found.isFile() || found.size > LEVER_JSON_BYTES_MAX) {
    throw cannotDeploy(dir, [
      `lever.json: allowed is a plain file of at most ${LEVER_JSON_BYTES_MAX} bytes.`,
    ]);
  }
  const outcome = parseLeverJson(await readFile(file, "utf8"));
  if (!outcome.ok) throw cannotDeploy(dir, outcome.errors);
  return outcome;
}

function cannotDeploy(dir: string, problems: readonly string[]): CommandError {
  const shown = problems.slice(0, PROBLEMS_SHOWN);
  if (shown.length < problems.length) shown.push(`… and ${problems.length - shown.length} more.`);
  return new CommandError(exitStatus.failed, `Cannot deploy ${dir}:\n  ${shown.join("\n  ")}`);
}
