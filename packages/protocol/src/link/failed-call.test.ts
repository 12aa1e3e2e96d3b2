import { expect, it } from "vitest";
import { Joined, json } from "../../../../tests/harness/joined-links.ts";
import { PAYLOAD_JSON } from "../call.ts";

it("a stream that its service fails is over on both sides", () => {
  const joined = new Joined();
  const call = joined.open({}, true);
  joined.run();
  joined.served[0]?.side.fail(PAYLOAD_JSON, json(1));
  joined.run();
  expect(call.events.received).toEqual(["fail 1"]);
  expect([joined.host.callsOpen, joined.instance.callsOpen]).toEqual([0, 0]);
});
