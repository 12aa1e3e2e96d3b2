import { spawn } from "node:child_process";
import { once } from "node:events";

/** Debian's packages of the load generators. */
const PACKAGES: Readonly<Record<string, string>> = {
  wrk: "wrk",
  h2load: "nghttp2-client",
  taskset: "util-linux",
};

/** Runs a load generator to its end and returns what it printed. @throws Error when it is missing or fails. */
export async function runTool(
  tool: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  const child = spawn(tool, args, {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...env },
  });
  let printed = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8");
    stream.on("data", (text: string) => {
      printed += text;
    });
  }
  try {
    const [status] = (await once(child, "close")) as [number | null];
    if (status !== 0) throw new Error(`Cannot measure: ${tool} ended with ${status}: ${printed}`);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    const remedy = `apt-get install ${PACKAGES[tool] ?? tool}`;
    throw new Error(`Cannot measure: ${tool} is not installed (${remedy}).`, { cause: error });
  }
  return printed;
}
