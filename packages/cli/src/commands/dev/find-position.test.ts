import { expect, it } from "vitest";
import { findPosition, withoutCodeFolder } from "./find-position.ts";

const own = new Set(["pay.ts", "lib/pay.py", "server.py"]);
const isOwn = (path: string): boolean => own.has(path);

it.each([
  ["pay.ts:3:5: ';' expected.", { path: "pay.ts", line: 3, column: 5 }],
  ["    at charge (pay.ts:41:18)\n    at pay.ts:2:1", { path: "pay.ts", line: 41, column: 18 }],
  ["    at node:internal/x:1:1\n    at a (node_modules/b/pay.ts:1:1)", undefined],
  ["SyntaxError: no place", undefined],
  [
    'File "lib/pay.py", line 7, in charge\n  File "server.py", line 9',
    { path: "server.py", line: 9, column: undefined },
  ],
])("the place that %j names is found", (text, position) => {
  expect(findPosition(text, isOwn)).toEqual(position);
});

it("paths of deployed code become those of the service folder", () => {
  const code = "/home/ada/shop/.lever/code/0123456789abcdef01234567";
  expect(withoutCodeFolder(`at f (${code}/pay.ts:1:2)\nat file://${code}.incomplete/a.ts:3`)).toBe(
    "at f (pay.ts:1:2)\nat a.ts:3",
  );
});
