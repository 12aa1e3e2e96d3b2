import { describe, expect, it } from "vitest";
import { GRANT_BYTES, isGrant, WebSocketCredit, WINDOW_BYTES } from "./websocket-credit.ts";

describe("credit for sending", () => {
  it.each<[string, (credit: WebSocketCredit) => void, boolean]>([
    ["there is a window at first", () => {}, true],
    ["a byte less than the window leaves some", (credit) => credit.sent(WINDOW_BYTES - 1), true],
    ["the window uses it up", (credit) => credit.sent(WINDOW_BYTES), false],
    [
      "a grant renews it",
      (credit) => {
        credit.sent(WINDOW_BYTES);
        credit.addGrant(Buffer.from("+1"));
      },
      true,
    ],
    [
      "a message that was larger than the credit has to be made up for",
      (credit) => {
        credit.sent(WINDOW_BYTES + 1_000);
        credit.addGrant(Buffer.from("+1000"));
      },
      false,
    ],
  ])("%s", (_name, act, canSend) => {
    const credit = new WebSocketCredit();
    act(credit);
    expect(credit.canSend).toBe(canSend);
  });
});

it.each([
  ["+0", true],
  ["+65536", true],
  ["+", true],
  ["+-1", false],
  ["+1.5", false],
  ["+many", false],
  ["+1e400", false],
  [`+${Number.MAX_SAFE_INTEGER}0`, false],
])("the grant %j is accepted: %j", (text, isAccepted) => {
  expect(isGrant(Buffer.from(text))).toBe(true);
  expect(new WebSocketCredit().addGrant(Buffer.from(text))).toBe(isAccepted);
});

it("JSON is no grant", () => {
  for (const text of ["1", '"+1"', "[1]", ""]) expect(isGrant(Buffer.from(text))).toBe(false);
});

it("a grant is due once a quarter of the window is consumed, and only once", () => {
  const credit = new WebSocketCredit();
  credit.received(GRANT_BYTES - 1);
  expect(credit.takeGrant()).toBeUndefined();
  credit.received(1);
  expect(credit.takeGrant()).toBe(`+${GRANT_BYTES}`);
  expect(credit.takeGrant()).toBeUndefined();
});

it("what was received meanwhile is granted at once", () => {
  const credit = new WebSocketCredit();
  credit.received(WINDOW_BYTES);
  credit.received(5);
  expect(credit.takeGrant()).toBe(`+${WINDOW_BYTES + 5}`);
});
