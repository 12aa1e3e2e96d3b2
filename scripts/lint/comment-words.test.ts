import { expect, it } from "vitest";
import { headlessSentences } from "./comment-words.ts";

it.each([
  "/** Of a call that its caller has cancelled. */",
  "/** What follows the head. */",
  "  // Those that do not answer get no calls.",
  " * - W2. Who calls from here needs no token.",
  "/** The same for links. */",
  "const a = 5; // Of the last minute.",
])("finds the sentence without a noun in %j", (text) => {
  expect(headlessSentences(text)).toHaveLength(1);
});

it.each([
  "/** The epoch of the resource. */",
  "/** Those calls wait. */",
  "/** The same client in browsers. */",
  "/** What happens to calls when an instance exits? */",
  "// It goes on: of all calls, the oldest. */",
  'const text = "// Of course";',
  "const of = 5 * What;",
])("finds nothing in %j", (text) => {
  expect(headlessSentences(text)).toEqual([]);
});
