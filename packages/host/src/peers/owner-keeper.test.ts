import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { uptime } from "node:os";
import { afterEach, beforeEach, expect, it } from "vitest";
import { systemClock } from "../clock.ts";
import type { InstanceTarget } from "../router/instance-target.ts";
import { OwnerKeeper } from "./owner-keeper.ts";

const service = { environment: "dev.lever", service: "svc" };
const target = {} as InstanceTarget;
let child: ChildProcess;
let keeper: OwnerKeeper;
/** The ends of the lease that the instance was given. */
let ends: (number | undefined)[];
let events: { readonly event: string; readonly fields: object | undefined }[];
let onEvent: () => void;

const inMs = (ms: number): number => uptime() * 1_000 + ms;

beforeEach(() => {
  [ends, events, onEvent] = [[], [], () => {}];
  child = spawn("sleep", ["600"], { stdio: "ignore", detached: true });
  keeper = new OwnerKeeper({
    instanceOf: () => ({
      pid: child.pid ?? 0,
      setOwnersEnd: (atMs) => void ends.push(atMs),
    }),
    clock: systemClock,
    log(_level, _part, event, fields) {
      events.push({ event, fields });
      onEvent();
    },
  });
});

afterEach(async () => {
  child.kill("SIGKILL");
  await keeper.close();
});

it("an owner gets the end of the lease before it opens a resource, and of each renewed one", async () => {
  keeper.setEnd(inMs(60_000));
  expect(ends).toEqual([]);
  await keeper.add(service, target);
  keeper.setEnd(inMs(61_000));
  // It has it already.
  expect(keeper.add(service, target)).toBeUndefined();
  keeper.remove(target);
  keeper.setEnd(inMs(62_000));
  expect(ends).toEqual([expect.any(Number), expect.any(Number), undefined]);
});

it("a keeper that died is replaced, and the next one has the owners and the end of the lease", async () => {
  const exited = once(child, "exit");
  keeper.setEnd(inMs(60_000));
  await keeper.add(service, target);
  const replaced = new Promise<void>((resolve) => {
    onEvent = resolve;
  });
  process.kill(keeper.pid, "SIGKILL");
  await replaced;
  expect(events).toEqual([{ event: "keeper exited", fields: { pid: expect.any(Number) } }]);
  keeper.setEnd(inMs(500));
  expect(await exited).toEqual([null, "SIGKILL"]);
});
