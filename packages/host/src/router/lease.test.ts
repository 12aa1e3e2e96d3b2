import { closedSide } from "@leveros/protocol";
import { expect, it } from "vitest";
import { Lease } from "./lease.ts";

const target = {
  instance: "i",
  version: 1,
  callee: { open: () => closedSide },
  callsInFlight: 0,
  streamsInFlight: 0,
};

it("a lease that ends goes back to its route with the call's resource and epoch", () => {
  const released: unknown[] = [];
  const route = {
    release: ({ resource, isStream, epoch }: Lease, now: number) =>
      released.push({ resource, isStream, epoch, now }),
  };
  new Lease(route, target, { resource: "r", isStream: true, refuse() {} }, 7).end(100);
  expect(released).toEqual([{ resource: "r", isStream: true, epoch: 7, now: 100 }]);
});
