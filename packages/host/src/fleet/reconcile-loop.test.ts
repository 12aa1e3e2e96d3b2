import { describe, expect, it } from "vitest";
import { VirtualClock } from "../../../../tests/harness/virtual-clock.ts";
import { type LoopedService, ReconcileLoop } from "./reconcile-loop.ts";

const limits = {
  idleTimeoutMs: 300_000,
  scaleDownAfterMs: 45_000,
  resourceIdleTimeoutMs: 60_000,
};

class Service implements LoopedService {
  reconciled = 0;
  checked = 0;
  released = 0;
  hasHistory = true;
  readonly route = {
    closeIdleResources() {},
    releaseUnused: () => {
      this.released++;
    },
  };
  reconcile(): void {
    this.reconciled++;
  }
  checkHealth(): void {
    this.checked++;
  }
  forgetHistory(): void {
    this.hasHistory = false;
  }
}

const make = (changes: Partial<typeof limits> = {}) => {
  const clock = new VirtualClock();
  return { clock, loop: new ReconcileLoop<Service>(clock, { ...limits, ...changes }) };
};

describe("an active service", () => {
  it("is reconciled every second and checked every 200 ms, until it is idle", () => {
    const { clock, loop } = make();
    const service = new Service();
    loop.markActive(service);
    clock.advance(3_000);
    expect([service.reconciled, service.checked]).toEqual([3, 15]);
    loop.markIdle(service);
    clock.advance(3_000);
    expect([service.reconciled, service.checked, service.released]).toEqual([3, 15, 1]);
  });

  it("is reconciled more often when a limit is short", () => {
    const { clock, loop } = make({ scaleDownAfterMs: 400 });
    const service = new Service();
    loop.markActive(service);
    clock.advance(1_000);
    expect(service.reconciled).toBe(10);
  });

  it("is not reconciled after the loop is stopped", () => {
    const { clock, loop } = make();
    const service = new Service();
    loop.markActive(service);
    loop.stop();
    clock.advance(10_000);
    expect([service.reconciled, service.checked]).toEqual([0, 0]);
  });
});

describe("of many idle services", () => {
  it("the 256 that were used last keep their histories", () => {
    const { loop } = make();
    const services = Array.from({ length: 300 }, () => new Service());
    for (const service of services) loop.markIdle(service);
    expect(services.findIndex(({ hasHistory }) => hasHistory)).toBe(44);
  });

  it("one that becomes active again, or is removed, leaves its place to another", () => {
    const { loop } = make();
    const services = Array.from({ length: 256 }, () => new Service());
    for (const service of services) loop.markIdle(service);
    const [first, second, third] = services;
    if (first === undefined || second === undefined) throw new Error("no services");
    loop.markActive(first);
    loop.remove(second);
    loop.markIdle(new Service());
    loop.markIdle(new Service());
    loop.markIdle(new Service());
    expect([first.hasHistory, second.hasHistory, third?.hasHistory]).toEqual([true, true, false]);
  });
});
