import { expect, it } from "vitest";
import { dryRunJson, formatDryRun } from "./dry-run.ts";

const dryRun = {
  service: "hello",
  environment: "dev.lever",
  entries: [
    { kind: "folder", path: "lib" },
    { kind: "file", path: "lib/a.js", source: "/lib/a.js", bytes: 1_500, isExecutable: false },
    { kind: "link", path: "link.js", target: "lib/a.js" },
    { kind: "text", path: "tsconfig.json", text: "{}" },
  ],
  archiveBytes: 300,
} as const;

it("files and links are listed with their sizes, and both sums", () => {
  expect(formatDryRun(dryRun)).toBe(`SIZE    FILE
1.5 kB  lib/a.js
link    link.js -> lib/a.js
2 B     tsconfig.json

Would deploy hello to dev.lever: 3 files of 1.5 kB, archive 300 B. Nothing was sent.`);
});

it("scripts get the same as JSON, with folders", () => {
  expect(JSON.parse(dryRunJson(dryRun))).toEqual({
    service: "hello",
    environment: "dev.lever",
    archiveBytes: 300,
    unpackedBytes: 1_502,
    entries: [
      { path: "lib", kind: "folder", bytes: 0 },
      { path: "lib/a.js", kind: "file", bytes: 1_500 },
      { path: "link.js", kind: "link", bytes: 0, target: "lib/a.js" },
      { path: "tsconfig.json", kind: "file", bytes: 2 },
    ],
  });
});
