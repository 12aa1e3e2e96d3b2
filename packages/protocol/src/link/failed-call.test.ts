import { expect, it } from "vitest";
import { Joined, json } from "../../../../tests/harness/joined-links.ts";
import { PAYLOAD_JSON, type PayloadKind } from "../call.ts";

it("a stream that its service fails is over on both sides", () => {
  const joined = new Joined();
  const call = joined.open({}, true);
  joined.run();
  joined.served[0]?.side.fail(PAYLOAD_JSON, json(1));
  joined.run();
  expect(call.events.received).toEqual(["fail 1"]);
  expect([joined.host.callsOpen, joined.instance.callsOpen]).toEqual([0, 0]);
});

it("the value of a failed call comes with its id, where the other side has sent it", () => {
  const joined = new Joined();
  const ids: (string | undefined)[] = [];
  for (const id of ["k7q-1", undefined]) {
    const call = joined.open({}, true);
    call.events.onFail = (_kind: PayloadKind, _bytes: Uint8Array, of?: string) => {
      ids.push(of);
    };
    joined.run();
    joined.served.at(-1)?.side.fail(PAYLOAD_JSON, json(1), id);
    joined.run();
  }
  expect(ids).toEqual(["k7q-1", undefined]);
});
