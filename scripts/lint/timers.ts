/** The host takes its time from the clock that it is given (packages/host/src/clock.ts), so that simulations can advance it. */
import { type Fault, isTest, lineAt, type Repository } from "./repository.ts";

/** Files with timers of their own, and the reason. */
const allowed: Readonly<Record<string, string>> = {
  "packages/host/src/clock.ts": "it is the clock",
  "packages/host/src/gateway/http/discard-body.ts": "closes connections that linger",
  "packages/host/src/gateway/websocket/batched-reads.ts": "waits a millisecond for a reply",
  "packages/host/src/processes/run-tool.ts":
    "tools of the system run in real time, also in a simulation",
};

const TIMER =
  /(?<![.\w])(?:setTimeout|setInterval)\(|\bDate\.now\b|\bnew Date\(\)|\bperformance\.now\b|node:timers/g;

export function timerFaults({ sources }: Pick<Repository, "sources">): readonly Fault[] {
  const files = sources.filter(
    (file) => file.path.startsWith("packages/host/src/") && !isTest(file),
  );
  const used = new Set<string>();
  const faults = files.flatMap(({ path, text }) => {
    const found = timersIn(text);
    if (found.length === 0) return [];
    const allowance = Object.keys(allowed).find((prefix) => path.startsWith(prefix));
    if (allowance !== undefined) {
      used.add(allowance);
      return [];
    }
    return found.map(({ 0: name, index }) => ({
      path,
      line: lineAt(text, index),
      reason: `${name.replace("(", "")} goes past the clock: use the clock's now, wallTime or setTimeout`,
    }));
  });
  const unused = Object.keys(allowed).filter((prefix) => !used.has(prefix));
  return [
    ...faults,
    ...unused.map((prefix) => ({
      path: prefix,
      line: 1,
      reason: "has no timer any more: remove it from the list in scripts/lint/timers.ts",
    })),
  ];
}

export function timersIn(text: string): readonly RegExpExecArray[] {
  return [...withoutComments(text).matchAll(TIMER)];
}

/** The text with its comments blanked, so that positions stay. */
function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/.*$/gm, (comment) =>
    comment.replace(/[^\n]/g, " "),
  );
}
