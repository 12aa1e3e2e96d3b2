import { expect, it } from "vitest";
import { WitnessBook, type WitnessRecord } from "./witness-book.ts";

const record = (
  what: WitnessRecord["what"],
  epoch: number,
  instance: string,
  n?: number,
): WitnessRecord => ({
  what,
  resource: "r",
  epoch,
  instance,
  ...(n !== undefined && { n }),
});

it("a counter goes on with the next owner", () => {
  const book = new WitnessBook();
  book.tell(record("open", 1, "a"));
  book.tell(record("put", 1, "a", 1));
  expect(book.tell(record("open", 4, "b"))).toEqual({ n: 1 });
  expect(book.tell(record("put", 4, "b", 2))).toEqual({ n: 2 });
  expect(book.violations).toEqual([]);
});

it.each<[what: string, last: WitnessRecord]>([
  ["the epoch went back", record("use", 1, "a")],
  ["two instances have one epoch", record("use", 2, "a")],
  ["3 does not follow 0", record("put", 2, "b", 3)],
])("the witness finds that %s", (reason, last) => {
  const book = new WitnessBook();
  book.tell(record("open", 1, "a"));
  book.tell(record("open", 2, "b"));
  expect(book.tell(last)).toEqual({ refused: expect.stringContaining(reason) });
  expect(book.violations).toHaveLength(1);
});
