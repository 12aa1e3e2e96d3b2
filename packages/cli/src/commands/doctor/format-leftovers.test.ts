import { expect, it } from "vitest";
import { formatLeftovers, formatRemoved } from "./format-leftovers.ts";

const left = { hosts: ["0a1b2c3d4e"], pids: [12, 34] };
const nothing = { hosts: [], pids: [] };

it("what killed hosts have left is listed with the command that removes it", () => {
  expect(formatLeftovers(nothing)).toBe("");
  expect(formatLeftovers(left)).toBe(
    "\n\nKilled hosts have left mounts, control groups and network rules (0a1b2c3d4e) and processes (12, 34). Remove them: lever doctor --clean",
  );
});

it.each([
  [{ ...nothing, problems: [] }, true, "Nothing was left of killed hosts."],
  [
    { ...nothing, pids: [12], problems: ["0a1b2c3d4e: umount: busy."] },
    true,
    "Removed processes (12) of killed hosts.\nCannot remove what a host has left: 0a1b2c3d4e: umount: busy.",
  ],
  [
    { ...nothing, problems: [] },
    false,
    "Nothing was left of killed hosts.\nOnly root can see and remove what containers have left: lever doctor --clean",
  ],
])("what was removed is listed, and what could not be", (removed, isRoot, text) => {
  expect(formatRemoved(removed, { isRoot })).toBe(text);
});
