import { Caller, median } from "../load.ts";
import {
  deploy,
  type Figure,
  listInstances,
  type Scenario,
  startHost,
  untilInstances,
} from "../scenario.ts";

const SERVICES = 5_000;
const CALLS = 3_000;
const ROUNDS = 3;
const code = 'exports.sayHello = (name) => "Hello, " + name + "!";';

/** Median time of a call of a warm service, one after the other. */
async function warmCall(caller: Caller): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < CALLS; i++) times.push((await caller.call("/warm/sayHello", ["x"])).ms);
  return median(times);
}

export const idleServices: Scenario = {
  name: "idle-services",
  about: `a host with ${SERVICES} services at zero, beside one with none`,
  async run(): Promise<readonly Figure[]> {
    await using few = await startHost();
    await using many = await startHost({ idleTimeoutMs: 300, scaleDownAfterMs: 300 });
    for (const lever of [few, many]) await deploy(lever, "warm", code, { minInstances: 1 });
    const settled = async (): Promise<number> => {
      await untilInstances(many, undefined, ({ instances }) => instances.length === 1);
      // Until the memory of the deploys' own work has been given back, or is not going to be.
      using caller = new Caller(many.address);
      await warmCall(caller);
      return (await listInstances(many, "warm")).host.memoryBytes;
    };
    // The first ones bring the host's own code and buffers to their size.
    for (let i = 0; i < 200; i++) await deploy(many, `early-${i}`, code);
    const before = await settled();
    for (let i = 0; i < SERVICES; i++) await deploy(many, `idle-${i}`, code);
    const after = await settled();
    const kB = (after - before) / SERVICES / 1_000;
    using fewCaller = new Caller(few.address);
    using manyCaller = new Caller(many.address);
    const ratios: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const one = await warmCall(fewCaller);
      ratios.push((await warmCall(manyCaller)) / one);
    }
    return [
      { name: "memory of a service at zero, kB", value: kB, isKept: kB <= 5 },
      {
        name: "warm call / with one service",
        value: median(ratios),
        isKept: median(ratios) <= 1.1,
      },
    ];
  },
};
