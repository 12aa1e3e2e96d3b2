import { lstat, readFile, realpath } from "node:fs/promises";
import { join, sep } from "node:path";
import { LeverError, type LeverJson, parseLeverJson } from "@leveros/protocol";

const LEVER_JSON_BYTES_MAX = 256 * 1024;

/**
 * Reads the lever.json of an unpacked service, and checks that its entry point exists.
 * @throws LeverError `invalid_service` with every fault: file, field, what it contains, what is allowed.
 */
export async function readService(
  codeDir: string,
): Promise<{ leverJson: LeverJson; warnings: readonly string[] }> {
  const file = join(codeDir, "lever.json");
  const found = await lstat(file).catch(() => undefined);
  if (found === undefined) {
    throw invalid("lever.json: the file is missing from the top of the service folder.");
  }
  if (!found.isFile() || found.size > LEVER_JSON_BYTES_MAX) {
    throw invalid(`lever.json: allowed is a plain file of at most ${LEVER_JSON_BYTES_MAX} bytes.`);
  }
  const outcome = parseLeverJson(await readFile(file, "utf8"));
  if (!outcome.ok) throw invalid(outcome.errors.join("\n"));
  const { leverJson, warnings } = outcome;
  const { jsEntry, entry } = leverJson;
  if (jsEntry !== undefined) await checkFile(codeDir, "jsEntry", jsEntry);
  const command = entry?.[0];
  // A command without a slash is looked up in the instance's PATH, so only a start shows whether it exists.
  if (command?.includes("/") === true) await checkCommand(codeDir, command);
  return { leverJson, warnings };
}

async function checkCommand(codeDir: string, command: string): Promise<void> {
  if (command.startsWith("/")) return;
  const file = await checkFile(codeDir, "entry", command);
  if (((await lstat(file)).mode & 0o100) === 0) {
    throw invalid(
      `lever.json: field entry is ${JSON.stringify(command)}; allowed is a file that may be executed (chmod +x).`,
    );
  }
}

async function checkFile(codeDir: string, name: string, path: string): Promise<string> {
  const field = `lever.json: field ${name} is ${JSON.stringify(path)}`;
  const resolved = await realpath(join(codeDir, path)).catch(() => undefined);
  if (resolved === undefined)
    throw invalid(`${field}; there is no such file in the service folder.`);
  const inside = (await realpath(codeDir)) + sep;
  if (!resolved.startsWith(inside) || !(await lstat(resolved)).isFile()) {
    throw invalid(`${field}; allowed is a plain file in the service folder.`);
  }
  return resolved;
}

function invalid(message: string): LeverError {
  return new LeverError("invalid_service", message);
}
