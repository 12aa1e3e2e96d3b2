import { expect, it } from "vitest";
import { mergeTexts } from "./merge-texts.ts";

const merged = (...texts: readonly (readonly [host: string, text: string])[]): string =>
  [...mergeTexts(texts.map(([host, text]) => ({ host, text })))].join("");

const CALLS = "# HELP calls_total Calls.\n# TYPE calls_total counter\n";
const MEMORY = "# HELP memory Bytes.\n# TYPE memory gauge\n";

it("values of one metric stand together, each with the name of its host", () => {
  const a = `${CALLS}calls_total{service="x"} 1\n${MEMORY}memory 5\n`;
  const b = `${CALLS}calls_total{service="x"} 2\ncalls_total{service="y"} 3\n${MEMORY}memory 6\n`;
  expect(merged(["a", a], ["b", b])).toBe(
    `${CALLS}calls_total{host="a",service="x"} 1\ncalls_total{host="b",service="x"} 2\ncalls_total{host="b",service="y"} 3\n` +
      `${MEMORY}memory{host="a"} 5\nmemory{host="b"} 6\n`,
  );
});

it("a metric of one host only is there, and the text ends once", () => {
  const b = `${MEMORY}memory 6 # {trace_id="1"} 0.5 7\n# EOF\n`;
  expect(merged(["a", "# EOF\n"], ["b", b])).toBe(
    `${MEMORY}memory{host="b"} 6 # {trace_id="1"} 0.5 7\n# EOF\n`,
  );
  expect(merged(["a", ""])).toBe("");
});

it("the name of a host is escaped", () => {
  expect(merged(['a"', `${MEMORY}memory 6\n`])).toBe(`${MEMORY}memory{host="a\\""} 6\n`);
});
