import {
  type CallListener,
  type CallRequest,
  closedSide,
  encodeJson,
  LeverError,
  PAYLOAD_JSON,
} from "@leveros/protocol";
import { beforeEach, expect, it } from "vitest";
import { VirtualClock } from "../../../../tests/harness/virtual-clock.ts";
import { environment } from "./arguments.ts";
import { type AskingParts, ofAllHosts } from "./ask-all.ts";
import type { AskedHost } from "./asked-host.ts";
import { adminMethod, type HostReply } from "./method-table.ts";

let clock: VirtualClock;
/** The questions, in their order. */
let asked: CallRequest[];
let isAsked: boolean;

/** Sums up what the hosts have, and fails for a reply that is no list. */
const merge = (replies: readonly HostReply<readonly number[]>[]): readonly number[] =>
  replies.flatMap(({ reply }) => reply.map((number) => number * 10));

const method = ofAllHosts(
  "listNumbers",
  adminMethod<AskingParts, readonly number[], [typeof environment]>(
    { right: "look", isChange: false, arguments: [environment], does: "", merge },
    () => [1],
  ),
);

const host = (name: string, answer: (listener: CallListener) => void, isUp = true): AskedHost => ({
  name,
  isUp,
  open(request, listener) {
    asked.push(request);
    answer(listener);
    return closedSide;
  },
});
const replies =
  (value: unknown) =>
  (listener: CallListener): void => {
    listener.onMessage(PAYLOAD_JSON, encodeJson(value));
    listener.onEnd();
  };
const aborts =
  (code: "not_found" | "unknown_environment" | "overloaded", message: string) =>
  (listener: CallListener): void =>
    listener.onAbort(new LeverError(code, message));

const call = (hosts: readonly AskedHost[] | undefined, option?: object): unknown => {
  const parts: AskingParts = {
    cluster: hosts && { asked: hosts },
    caller: () => "t1",
    isAsked: () => isAsked,
    clock,
  };
  return method.call(parts, ["dev.lever", ...(option === undefined ? [] : [option])]);
};

beforeEach(() => {
  clock = new VirtualClock();
  asked = [];
  isAsked = false;
});

it("each host is asked as the caller, for its own answer, and the answers are merged", async () => {
  const hosts = [host("a", replies([1])), host("b", replies([2, 3]))];
  expect(await call(hosts)).toEqual([10, 20, 30]);
  expect(
    asked.map(({ caller, passedOn, target }) => [caller, passedOn?.mark, target.method]),
  ).toEqual(Array(2).fill([{ kind: "admin", principal: "t1" }, "place", "listNumbers"]));
});

it("a host that is asked answers alone, and so does the only one", async () => {
  expect(await call(undefined)).toEqual([1]);
  expect(await call(undefined, { report: true })).toEqual({ reply: [1], missing: [] });
  isAsked = true;
  expect(await call([host("a", replies([5]))])).toEqual([1]);
  expect(asked).toEqual([]);
});

it("a host that does not answer in 2 s, or not well, is named", async () => {
  const hosts = [
    host("a", replies([1])),
    host("b", () => {}),
    host("c", replies([2]), false),
    host("d", replies({ other: "form" })),
    host("e", aborts("overloaded", "Cannot search now.")),
    host("f", (listener) => listener.onDeclined?.({ reason: "busy" })),
    host("g", aborts("not_found", "There is none here.")),
  ];
  const answer = call(hosts, { report: true });
  clock.advance(2_000);
  expect(await answer).toEqual({
    reply: [10],
    missing: [
      { host: "b", reason: "it has not answered for 2 s" },
      { host: "c", reason: "there is no connection to it" },
      { host: "d", reason: "its answer has another form" },
      { host: "e", reason: "Cannot search now." },
      { host: "f", reason: "it is stopping" },
    ],
  });
});

it("an error of all hosts is the answer; of something that none has, with those that may", async () => {
  const none = aborts("not_found", "There is none.");
  await expect(call([host("a", none), host("b", none)])).rejects.toMatchObject({
    code: "not_found",
    message: "There is none.",
  });
  const wrong = aborts("unknown_environment", "There is no environment x.");
  await expect(call([host("a", wrong), host("b", wrong)])).rejects.toMatchObject({
    code: "unknown_environment",
  });
  await expect(call([host("a", none), host("b", none, false)])).rejects.toMatchObject({
    message: "There is none. Without an answer: b (there is no connection to it).",
  });
});

it("one host of a cluster is asked by its name", async () => {
  const hosts = [host("a", replies([1])), host("b", replies([2]), false)];
  expect(await call(hosts, { on: "a" })).toEqual([10]);
  await expect(call(hosts, { on: "b" })).rejects.toMatchObject({
    code: "unavailable",
    message: "Cannot ask the hosts: b (there is no connection to it).",
  });
  expect(() => call(hosts, { on: "x" })).toThrow("There are a, b.");
  expect(() => call(undefined, { on: "a" })).toThrow("this host is the only one");
  expect(() => call(hosts, { on: 5 })).toThrow("the name of a host");
});
