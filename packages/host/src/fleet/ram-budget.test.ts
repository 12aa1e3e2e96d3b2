import { totalmem } from "node:os";
import { describe, expect, it } from "vitest";
import { type MemoryUser, RamBudget } from "./ram-budget.ts";

interface Service extends MemoryUser {
  reconciled: number;
}

function service(ram: number, instances: number, onReconcile = (_service: Service) => {}): Service {
  return {
    instances: Array.from({ length: instances }),
    live: { leverJson: { ram } },
    reconciled: 0,
    reconcile() {
      this.reconciled++;
      onReconcile(this);
    },
  };
}

const needed = { isNeeded: true };
const wanted = { isNeeded: false };

it("memory that is reserved does not fit again until it is released", () => {
  const budget = new RamBudget(256);
  budget.reserve(128);
  budget.reserve(128);
  expect([budget.reserved, budget.fits(1)]).toEqual([256, false]);
  budget.release(128);
  expect([budget.reserved, budget.fits(128), budget.fits(129)]).toEqual([128, true, false]);
});

it("the default is a share of the machine's memory", () => {
  expect(new RamBudget(0).max).toBe(Math.floor((totalmem() * 0.8) / 1e6));
});

describe("a service without memory for another instance", () => {
  it("waits when the instance is needed, and only once", () => {
    const budget = new RamBudget(128);
    budget.reserve(128);
    const of = service(128, 0);
    expect(budget.request(of, wanted)).toBe("no");
    expect(budget.request(of, needed)).toBe("waits");
    expect(budget.request(of, needed)).toBe("no");
    budget.wakeWaiting();
    budget.wakeWaiting();
    expect(of.reconciled).toBe(1);
  });

  it("is not woken after it has cancelled its request", () => {
    const budget = new RamBudget(0.5);
    const of = service(128, 0);
    budget.request(of, needed);
    budget.cancelRequest(of);
    budget.wakeWaiting();
    expect(of.reconciled).toBe(0);
  });
});

it("an instance that is only wanted gets no memory while another service waits", () => {
  const budget = new RamBudget(256);
  budget.reserve(256);
  const waiting = service(256, 0);
  budget.request(waiting, needed);
  budget.release(128);
  const other = service(128, 1);
  expect(budget.request(other, wanted)).toBe("no");
  expect(budget.request(other, needed)).toBe("yes");
});

it("services without instances are woken first, then those that wait longest", () => {
  const budget = new RamBudget(0.5);
  const order: string[] = [];
  const named = (name: string, instances: number): Service =>
    service(128, instances, () => order.push(name));
  const waiting = [named("first", 1), named("second", 2), named("none", 0)];
  for (const one of waiting) budget.request(one, needed);
  budget.wakeWaiting();
  expect(order).toEqual(["none", "first", "second"]);
});
