import { expect, it } from "vitest";
import { formatContainers, formatProcesses } from "./format-requirements.ts";

const root = { what: "root", found: "running as root" };
const tool = { what: "nft", remedy: "Install it: apt-get install nftables" };

it("a requirement is listed as ok with what was found, or as missing with its remedy", () => {
  expect(formatProcesses([root, tool])).toBe(
    `Isolation of instances that run as processes:
ok       root  running as root
missing  nft   Install it: apt-get install nftables`,
  );
});

it("containers are used only if nothing is missing", () => {
  expect(formatContainers([root])).toContain("\n\nNothing is missing: lever up runs instances in");
  expect(formatContainers([root, tool])).toContain("lever up runs instances as processes.");
});
