import { LeverError } from "@leveros/protocol";
import { describe, expect, it } from "vitest";
import { SimulatedHost } from "../../../../tests/simulation/simulated-host.ts";

const ENVIRONMENT = "dev.lever";

describe("an instance that does not answer", () => {
  it("an instance that answers again gets calls again", async () => {
    const host = new SimulatedHost();
    host.deploy("svc", { maxInstances: 1 });
    host.call();
    await host.pass(200);
    host.runtimes[0]?.freeze(3_000);
    const during = host.call();
    await host.pass(2_500);
    expect(host.fleet.service(ENVIRONMENT, "svc")?.instances[0]?.isUnresponsive).toBe(true);
    const waiting = host.call();
    expect([during.outcome, waiting.outcome]).toEqual([undefined, undefined]);
    await host.pass(2_000);
    expect([during.outcome, waiting.outcome]).toEqual(["end", "end"]);
    expect(host.runtimes).toHaveLength(1);
  });

  it("calls that wait for an instance to answer again do not fail by the start of another one", async () => {
    const host = new SimulatedHost();
    host.deploy("svc", { maxInstances: 2 });
    host.call();
    await host.pass(200);
    host.onLaunch = (runtime) => {
      host.clock.setTimeout(() => {
        runtime.handlers?.onFailed("It does not load.");
        runtime.kill();
      }, 1);
    };
    host.runtimes[0]?.freeze(3_000);
    host.call();
    await host.pass(1_500);
    const waiting = host.call();
    await host.pass(500);
    expect(host.runtimes.length).toBeGreaterThan(1);
    await host.pass(3_000);
    expect(waiting.outcome).toBe("end");
  });

  it("a draining owner that answers again gets the calls of its resources", async () => {
    const host = new SimulatedHost({ unresponsiveKillAfterMs: 60_000 });
    host.deploy();
    const stream = host.call("svc", { resource: "r", isStream: true });
    await host.pass(1_000);
    host.deploy("svc", {}, 2);
    host.runtimes[0]?.freeze(20_000);
    await host.pass(10_000);
    const waiting = host.call("svc", { resource: "r" });
    expect(host.fleet.service(ENVIRONMENT, "svc")?.route.callsWaiting).toBe(1);
    await host.pass(15_000);
    expect(waiting.outcome).toBe("end");
    stream.side.end();
    await host.pass(3_000);
    expect([stream.outcome, host.runtimes[0]?.isDead]).toEqual(["end", true]);
  });
});

describe("a start that cannot be prepared", () => {
  it("calls get the reason of the failed start at once, and the next start is tried", async () => {
    const host = new SimulatedHost();
    host.codeDirOf = async () => {
      throw new LeverError("start_failed", "Cannot start: no code.");
    };
    host.deploy();
    const first = host.call();
    await host.pass(0);
    expect([first.outcome, host.fleet.ram.reserved]).toEqual(["start_failed", 0]);
    host.codeDirOf = async () => "/";
    const next = host.call();
    await host.pass(1_000);
    expect(next.outcome).toBe("end");
  });

  it("a failed start of an old version fails no call of the live one", async () => {
    const host = new SimulatedHost();
    const { promise, reject } = Promise.withResolvers<string>();
    host.codeDirOf = () => promise;
    host.deploy();
    const call = host.call();
    await host.pass(0);
    host.codeDirOf = async () => "/";
    host.deploy("svc", {}, 2);
    reject(new LeverError("start_failed", "Cannot start: no code."));
    await host.pass(3_000);
    expect(call.outcome).toBe("end");
  });
});

it("minInstances that fail at their start are started again after the delay of the failures", async () => {
  const host = new SimulatedHost();
  host.onLaunch = (runtime) => {
    if (host.runtimes.length === 4) return;
    host.clock.setTimeout(() => {
      runtime.handlers?.onFailed("It does not load.");
      runtime.kill();
    }, 1);
  };
  host.deploy("svc", { minInstances: 1 });
  // 0, 250 and 500 ms, although services are reconciled only each second.
  await host.pass(900);
  expect([host.runtimes.length, host.living.length]).toEqual([4, 1]);
});

describe("a host without memory for another instance", () => {
  const limits = { instancesRamMbMax: 256 };

  it("the instance that has been idle longest is stopped for another service", async () => {
    const host = new SimulatedHost(limits);
    for (const service of ["a", "b", "c"]) host.deploy(service);
    for (const service of ["a", "b"]) {
      host.call(service);
      await host.pass(500);
    }
    const call = host.call("c");
    await host.pass(500);
    expect(call.outcome).toBe("end");
    expect(host.living.map(({ assignment }) => assignment?.service)).toEqual(["b", "c"]);
  });

  it("instances with resources and those of minInstances are not stopped", async () => {
    const host = new SimulatedHost(limits);
    host.deploy("a");
    host.deploy("b", { minInstances: 1 });
    host.deploy("c");
    host.call("a", { resource: "r" });
    await host.pass(500);
    const call = host.call("c");
    await host.pass(500);
    expect(call.outcome).toBeUndefined();
    expect(host.living.map(({ assignment }) => assignment?.service)).toEqual(["b", "a"]);
  });

  it("a service that waits for memory starts as soon as there is some", async () => {
    const host = new SimulatedHost({ instancesRamMbMax: 128 });
    host.deploy("a");
    host.deploy("b");
    const busy = host.call("a", { isStream: true });
    await host.pass(500);
    const call = host.call("b");
    await host.pass(10);
    host.runtimes[0]?.kill();
    // The next reconciliation would be later.
    await host.pass(150);
    expect([busy.outcome, call.outcome]).toEqual(["instance_failed", "end"]);
  });
});

describe("a deploy", () => {
  it("an older instance without calls stops at once", async () => {
    const host = new SimulatedHost();
    host.deploy();
    host.call();
    await host.pass(500);
    host.deploy("svc", {}, 2);
    await host.pass(50);
    expect(host.living).toHaveLength(0);
  });

  it("a candidate that has failed since it was ready gets no calls", async () => {
    const host = new SimulatedHost();
    host.deploy();
    const record = host.record("svc", {}, 2);
    const starting = host.fleet.startCandidate(record);
    await host.pass(500);
    const candidate = await starting;
    candidate.kill();
    await host.pass(10);
    const route = host.fleet.service(ENVIRONMENT, "svc")?.route;
    if (route === undefined) throw new Error("There is no service.");
    host.fleet.goLive(record, route, candidate);
    expect(host.fleet.service(ENVIRONMENT, "svc")?.instances).toEqual([]);
    const call = host.call();
    await host.pass(500);
    expect(call.outcome).toBe("end");
  });
});

it("an idle instance that is no longer wanted stops as soon as it drains", async () => {
  const host = new SimulatedHost();
  host.deploy("svc", { maxInstanceLoad: 1 });
  host.call();
  host.call();
  await host.pass(500);
  const phases = (): string[] =>
    host.fleet.service(ENVIRONMENT, "svc")?.instances.map(({ phase }) => phase) ?? [];
  expect(phases()).toEqual(["ready", "ready"]);
  for (let i = 0; i < 60_000 && phases().join() === "ready,ready"; i++) await host.pass(1);
  expect(phases().sort()).toEqual(["ready", "stopping"]);
});

describe("a fleet that closes (F3)", () => {
  it("waiting calls are refused, and candidates end", async () => {
    const host = new SimulatedHost();
    host.codeDirOf = () => new Promise(() => {});
    host.deploy();
    const waiting = host.call();
    host.codeDirOf = async () => "/";
    const candidate = host.fleet.startCandidate(host.record("other"));
    candidate.catch(() => {});
    await host.pass(20);
    expect(host.living).toHaveLength(1);
    void host.fleet.close();
    expect(waiting.outcome).toBe("unavailable");
    await host.pass(20);
    expect(host.living).toHaveLength(0);
    await expect(candidate).rejects.toMatchObject({ code: "unavailable" });
  });

  it("a start that is being prepared makes no instance", async () => {
    const host = new SimulatedHost();
    const code = Promise.withResolvers<string>();
    host.codeDirOf = () => code.promise;
    host.deploy();
    host.call();
    await host.pass(10);
    const closed = host.fleet.close();
    code.resolve("/");
    await host.pass(10);
    await closed;
    expect([host.runtimes.length, host.fleet.ram.reserved]).toEqual([0, 0]);
  });
});

it("a removed environment leaves neither services nor instances in the fleet", async () => {
  const host = new SimulatedHost();
  host.deploy();
  host.call();
  await host.pass(500);
  host.router.removeEnvironment(ENVIRONMENT);
  const removed = host.fleet.removeEnvironment(ENVIRONMENT);
  await host.pass(500);
  await removed;
  expect(host.fleet.servicesOf(ENVIRONMENT)).toEqual([]);
  expect([host.living.length, host.fleet.ram.reserved]).toEqual([0, 0]);
});

it("an instance of a restricted environment does not start where nothing restricts it", async () => {
  const host = new SimulatedHost();
  await host.fleet.setNetwork(ENVIRONMENT, []);
  host.deploy();
  const call = host.call();
  await host.pass(500);
  expect([call.outcome, host.runtimes.length]).toEqual(["start_failed", 0]);
});
