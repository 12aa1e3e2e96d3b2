import type { CallRecord } from "@leveros/protocol";

/** Calls as lines, oldest first, each below the one in whose course it was made. */
export function formatCalls(calls: readonly CallRecord[]): readonly string[] {
  const ids = new Set(calls.map(({ id }) => id));
  const isFirst = ({ parent }: CallRecord): boolean => parent === undefined || !ids.has(parent);
  const lines = (call: CallRecord, indent: string): readonly string[] => [
    `${indent}${describe(call)}`,
    ...calls.filter(({ parent }) => parent === call.id).flatMap((of) => lines(of, `${indent}  `)),
  ];
  return calls.filter(isFirst).flatMap((call) => lines(call, "  "));
}

function describe({ id, service, method, ms, outcome, error, waitMs }: CallRecord): string {
  const waited = waitMs === undefined ? "" : `, waited ${rounded(waitMs)} ms`;
  const failed = error === undefined ? "" : `: ${error}`;
  return `${service}/${method}  ${rounded(ms)} ms${waited}  ${outcome}${failed}  (${id})`;
}

/** One decimal: more says nothing of a test. */
function rounded(ms: number): number {
  return Math.round(ms * 10) / 10;
}
