import { expect, it } from "vitest";
import { mountPointsBelow } from "./sandbox-root.ts";

const line = (point: string): string =>
  `36 35 98:0 / ${point} rw,noatime shared:1 - tmpfs lever rw`;

it("mount points are unmounted in the reverse order of mounting, and only those of this host", () => {
  const mountinfo = [
    "/",
    "/run/lever/a",
    "/run/lever/a/services",
    "/run/lever/ab",
    "/run/lever/b/services",
    "/run/lever/a/disks/1",
    "/run/lever/a/services",
  ].map(line);
  expect(mountPointsBelow("/run/lever/a", `${mountinfo.join("\n")}\n`)).toEqual([
    "/run/lever/a/services",
    "/run/lever/a/disks/1",
    "/run/lever/a/services",
    "/run/lever/a",
  ]);
});
