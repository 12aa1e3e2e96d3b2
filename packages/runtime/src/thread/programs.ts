import type * as ChildProcess from "node:child_process";
import { replaceFunction } from "./replace-function.ts";

/** Functions that wait for the end of a program. */
const WAITING = ["execFileSync", "execSync", "spawnSync"];

/**
 * Prepares the Node programs of a service as its threads are. Node passes its permissions on to them in `NODE_OPTIONS`.
 * `setupProgram`: the path of thread-setup.
 */
export function wrapPrograms(childProcess: typeof ChildProcess, setupProgram: string): void {
  const flag = `--require="${setupProgram.replace(/["\\]/g, "\\$&")}"`;
  replaceFunction(childProcess.ChildProcess.prototype, "spawn", (original) => {
    return function spawn(this: unknown, options, ...rest) {
      const pairs = isOptions(options) && "envPairs" in options ? options.envPairs : undefined;
      if (Array.isArray(pairs)) addFlag(pairs, flag);
      return original.call(this, options, ...rest);
    };
  });
  for (const name of WAITING) {
    replaceFunction(childProcess, name, (original) => (...args) => {
      const at = args.findIndex((it, index) => index > 0 && isOptions(it));
      const options: object = Object(at === -1 ? undefined : args[at]);
      const given = "env" in options && isOptions(options.env) ? options.env : process.env;
      const nodeOptions = "NODE_OPTIONS" in given ? `${given.NODE_OPTIONS} ${flag}` : flag;
      const changed = { ...options, env: { ...given, NODE_OPTIONS: nodeOptions } };
      return original(...(at === -1 ? [...args, changed] : args.with(at, changed)));
    });
  }
}

/** `pairs`: the environment of a program, each `NAME=value`. */
function addFlag(pairs: unknown[], flag: string): void {
  const at = pairs.findIndex((pair) => String(pair).startsWith("NODE_OPTIONS="));
  if (at === -1) pairs.push(`NODE_OPTIONS=${flag}`);
  else pairs[at] = `${String(pairs[at])} ${flag}`;
}

function isOptions(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
