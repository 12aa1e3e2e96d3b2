import { execFile } from "node:child_process";

/** What a tool of the system may take: it is asked for one small thing. */
const TOOL_TIMEOUT_MS = 10_000;

export interface ToolOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly input?: string;
}

/**
 * Runs a program of the system to its end; resolves to what it printed.
 * @throws Error with what it said when it fails, or takes more than 10 s.
 */
export function runTool(
  file: string,
  args: readonly string[],
  options: ToolOptions = {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    // A service manager's PATH may lack what root's has.
    const PATH = `${process.env["PATH"] ?? ""}:/usr/sbin:/sbin`;
    const settings = { timeout: TOOL_TIMEOUT_MS, env: { ...(options.env ?? process.env), PATH } };
    const child = execFile(file, args, settings, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else {
        const said = (stderr.trim() || stdout.trim() || error.message).slice(0, 500);
        reject(new Error(`${file} ${args[0] ?? ""}: ${said}`, { cause: error }));
      }
    });
    // It may end without reading.
    child.stdin?.on("error", () => {});
    child.stdin?.end(options.input ?? "");
  });
}
