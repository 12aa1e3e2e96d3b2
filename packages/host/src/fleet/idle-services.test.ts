import { defaultLimits } from "@leveros/protocol";
import { expect, it } from "vitest";
import { SimulatedHost } from "../../../../tests/simulation/simulated-host.ts";

const ENVIRONMENT = "dev.lever";

it("of many services at zero, only those that were used last keep a history", async () => {
  const host = new SimulatedHost();
  const names = Array.from({ length: 300 }, (_, i) => `service-${i}`);
  for (const service of names) host.deploy(service);
  let replies = 0;
  for (const service of names) {
    const call = host.call(service);
    await host.pass(300);
    if (call.outcome === "end") replies++;
  }
  expect(replies).toBe(names.length);
  const recordsOf = (service: string): number =>
    host.fleet.service(ENVIRONMENT, service)?.explain().records.length ?? Number.NaN;
  expect(recordsOf("service-0")).toBeGreaterThan(0);
  await host.pass(defaultLimits.idleTimeoutMs + 60_000);
  expect(host.fleet.ram.reserved).toBe(0);
  expect(recordsOf("service-299")).toBeGreaterThan(1);
  expect(recordsOf("service-0")).toBe(0);
});
