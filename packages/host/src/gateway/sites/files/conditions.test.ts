import type { IncomingHttpHeaders } from "node:http";
import { expect, it } from "vitest";
import { askedRange, checkConditions } from "./conditions.ts";

it.each<[IncomingHttpHeaders, ReturnType<typeof checkConditions>]>([
  [{}, "send"],
  [{ "if-none-match": '"a"' }, "notModified"],
  [{ "if-none-match": 'W/"a"' }, "notModified"],
  [{ "if-none-match": '"x", W/"y" ,"a"' }, "notModified"],
  [{ "if-none-match": '"x,"a",y"' }, "send"],
  [{ "if-none-match": "*" }, "notModified"],
  [{ "if-none-match": '"b"' }, "send"],
  [{ "if-none-match": "a" }, "send"],
  [{ "if-none-match": "" }, "send"],
  [{ "if-match": '"a"' }, "send"],
  [{ "if-match": "*" }, "send"],
  [{ "if-match": 'W/"a"' }, "failed"],
  [{ "if-match": '"b"' }, "failed"],
  [{ "if-match": '"b"', "if-none-match": '"a"' }, "failed"],
  [{ "if-match": '"a"', "if-none-match": '"a"' }, "notModified"],
  [{ "if-modified-since": "Fri, 01 Jan 2100 00:00:00 GMT" }, "send"],
  [{ "if-unmodified-since": "Fri, 01 Jan 1999 00:00:00 GMT" }, "send"],
])("the conditions %j of a file with the tag a come to: %s", (headers, expected) => {
  expect(checkConditions(headers, '"a"')).toBe(expected);
});

it.each<[IncomingHttpHeaders, readonly [number, number] | "unsatisfiable" | undefined]>([
  [{}, undefined],
  [{ range: "bytes=0-0" }, [0, 0]],
  [{ range: "bytes=2-5" }, [2, 5]],
  [{ range: "BYTES= 2-5 " }, [2, 5]],
  [{ range: "bytes=5-" }, [5, 9]],
  [{ range: "bytes=5-99" }, [5, 9]],
  [{ range: "bytes=-3" }, [7, 9]],
  [{ range: "bytes=-99" }, [0, 9]],
  [{ range: "bytes=-0" }, "unsatisfiable"],
  [{ range: "bytes=10-" }, "unsatisfiable"],
  [{ range: `bytes=${"9".repeat(400)}-` }, "unsatisfiable"],
  [{ range: "bytes=5-2" }, undefined],
  [{ range: "bytes=-" }, undefined],
  [{ range: "bytes=0-1,3-4" }, undefined],
  [{ range: "lines=0-1" }, undefined],
  [{ range: "bytes=a-b" }, undefined],
  [{ range: "bytes=0-1", "if-range": '"a"' }, [0, 1]],
  [{ range: "bytes=0-1", "if-range": '"b"' }, undefined],
  [{ range: "bytes=0-1", "if-range": 'W/"a"' }, undefined],
  [{ range: "bytes=0-1", "if-range": "Fri, 01 Jan 2100 00:00:00 GMT" }, undefined],
])("%j of a file of ten bytes is %j", (headers, expected) => {
  const found = askedRange(headers, '"a"', 10);
  expect(typeof found === "object" ? [found.first, found.last] : found).toEqual(expected);
});

it("a range of an empty file is unsatisfiable", () => {
  expect(askedRange({ range: "bytes=0-" }, '"a"', 0)).toBe("unsatisfiable");
  expect(askedRange({ range: "bytes=-1" }, '"a"', 0)).toBe("unsatisfiable");
});
