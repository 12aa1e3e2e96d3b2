import { expect, it } from "vitest";
import type { ProcessExit } from "../processes/process-exit.ts";
import { describeEnd, type TransformEnd } from "./transform-end.ts";

const exited: ProcessExit = { status: 1, signal: undefined };
const killed: ProcessExit = { status: undefined, signal: "SIGKILL" };
const end: TransformEnd = { output: "", lost: undefined, ramMb: 512 };
const reset = new Error("read ECONNRESET");
const memory = "it needed more memory than the limit transformRamMb allows, 512 MB";

it.each<[name: string, exit: ProcessExit, end: Partial<TransformEnd>, text: string]>([
  ["a limit names the limit", { ...killed, limit: "was killed" }, { lost: reset }, memory],
  [
    "a full heap names the limit",
    { status: undefined, signal: "SIGABRT" },
    { output: "FATAL ERROR: JavaScript heap out of memory" },
    memory,
  ],
  [
    "an exit by itself shows status and output, although the link was lost before",
    exited,
    { lost: reset, output: "Error: no\n" },
    "its runtime exited with status 1. Its last output:\nError: no",
  ],
  ["an exit without output shows its status", exited, {}, "its runtime exited with status 1."],
  [
    "a lost link shows its reason",
    { status: 0, signal: undefined },
    { lost: new Error("Cannot read a frame.") },
    "its runtime lost its link (Cannot read a frame.).",
  ],
  ["a foreign kill shows the signal", killed, {}, "its runtime was ended by SIGKILL."],
])("%s", (_name, exit, given, text) => {
  expect(describeEnd(exit, { ...end, ...given })).toBe(text);
});
