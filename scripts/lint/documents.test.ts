import { expect, it } from "vitest";
import { anchorsOf, conflictFaults, linkFaults, sentenceFaults } from "./documents.ts";

it.each([
  ["[a](b.md)", 0],
  ["[a](b.md#the-lever-command)", 0],
  ["[a](#own) [b](https://lever.example/x) [c](b.md#nothing)", 1],
  ["[a](missing.md)\n```md\n[a](missing.md)\n```", 1],
  ["[`b`] [`b`](b.md)\n\n[`b`]: b.md", 0],
  ["[`b`] [`c`]\n\n[`c`]: missing.md", 2],
])("finds the links that lead nowhere in %j", (text, count) => {
  const anchors = new Map([
    ["docs/a.md", new Set(["own"])],
    ["docs/b.md", anchorsOf("# The `lever` command")],
  ]);
  const targets = { anchors, isPath: (path: string) => anchors.has(path) };
  expect(linkFaults({ path: "docs/a.md", text }, targets)).toHaveLength(count);
});

const words = (count: number): string => "word ".repeat(count).trim();

it.each([
  [`${words(30)}. A ${words(29)}.`, []],
  [`Start.\n\n${words(31)}.`, [3]],
  [`- ${words(20)}\n- ${words(20)}`, []],
  [`| ${words(20)} | ${words(20)} |`, []],
  [`\`\`\`sh\n${words(40)}\n\`\`\``, []],
])("finds the sentences that are too long in %j", (text, lines) => {
  const faults = sentenceFaults({ path: "README.md", text });
  expect(faults.map(({ line }) => line)).toEqual(lines);
});

it("finds what a merge has left", () => {
  const text = `a\n${"<".repeat(7)} HEAD\nb\n${"=".repeat(7)}\nc\n${">".repeat(7)} other\n`;
  expect(conflictFaults({ path: "README.md", text }).map(({ line }) => line)).toEqual([2, 6]);
});
