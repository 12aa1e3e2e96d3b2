import { Caller, median, quantile } from "../load.ts";
import { measureNodeStart } from "../node-start.ts";
import { deploy, type Figure, type Scenario, startHost, untilInstances } from "../scenario.ts";

const COLD_CALLS = 100;
const SERVICES = 20;
const code = 'exports.sayHello = (name) => "Hello, " + name + "!";';

export const coldStart: Scenario = {
  name: "cold-start",
  about: "the first HTTP call of a service at zero, beside the time that node takes to start",
  async run(): Promise<readonly Figure[]> {
    const nodeMs = await measureNodeStart();
    await using lever = await startHost({ idleTimeoutMs: 80, scaleDownAfterMs: 80 });
    using caller = new Caller(lever.address);
    await deploy(lever, "cold", code);
    const times: number[] = [];
    let wrong = 0;
    for (let i = 0; i < COLD_CALLS; i++) {
      await untilInstances(
        lever,
        "cold",
        ({ instances, host }) => instances.length === 0 && host.warmReady >= host.warmWanted,
      );
      const { status, text, ms, headers } = await caller.call("/cold/sayHello", [i]);
      if (status !== 200 || text !== `"Hello, ${i}!"` || !("server-timing" in headers)) wrong++;
      times.push(ms);
    }
    for (let i = 0; i < SERVICES; i++) await deploy(lever, `cold-${i}`, code);
    await untilInstances(lever, undefined, ({ instances }) => instances.length === 0);
    const atOnce = await Promise.all(
      Array.from({ length: SERVICES }, (_, i) => caller.call(`/cold-${i}/sayHello`, ["x"])),
    );
    const failed = atOnce.filter(({ status }) => status !== 200).length;
    const ratio = (ms: number): number => ms / nodeMs;
    return [
      { name: "node on an empty script, ms", value: nodeMs },
      { name: "cold call, median, ms", value: median(times) },
      { name: "median / node", value: ratio(median(times)), isKept: ratio(median(times)) <= 0.25 },
      {
        name: "p99 / node",
        value: ratio(quantile(times, 0.99)),
        isKept: ratio(quantile(times, 0.99)) <= 1,
      },
      { name: "wrong answers", value: wrong, isKept: wrong === 0 },
      { name: `failed of ${SERVICES} services at once`, value: failed, isKept: failed === 0 },
    ];
  },
};
