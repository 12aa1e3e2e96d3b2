import { spawn } from "node:child_process";
import { Caller, quantile } from "../../tests/harness/load.ts";
import { deployService, testService } from "../../tests/harness/test-service.ts";
import { atLeast, atMost, type Figure, measured, ratios } from "../figure.ts";
import { interleave } from "../interleave.ts";
import { callAtRate } from "../open-loop.ts";
import { bareNode } from "../peers/node.ts";
import { type Scenario, startHost } from "../scenario.ts";

const CALLS_PER_SECOND = 200;
const BARE = "node:http, alone";
const BARE_BESIDE = "node:http, beside two that spin";
const calm = 'exports.sayHello = (name) => "Hello, " + name + "!";';

/** The action that each neighbour repeats until it is stopped. */
const works = {
  spins: `
    const { Worker } = require("node:worker_threads");
    let threads = [];
    begin = () => { threads = [0, 1].map(() => new Worker("while (true);", { eval: true })); };
    cease = () => Promise.all(threads.map((thread) => thread.terminate()));
    work = () => new Promise((done) => setTimeout(done, 10));`,
  allocates: `
    let held = [];
    work = async () => { held.push(Array.from({ length: 10_000 }, (_, i) => ({ i }))); if (held.length > 20) held = []; };`,
  "floods logs": `
    const { once } = require("node:events");
    const lines = ("x".repeat(1_000) + "\\n").repeat(100);
    // One that never waited would only fill its own memory.
    work = async () => { if (!process.stdout.write(lines)) await once(process.stdout, "drain"); };`,
  forks: `
    const { spawn } = require("node:child_process");
    const fork = () => new Promise((done, failed) => spawn("/bin/true", { stdio: "ignore" }).on("close", done).on("error", failed));
    work = () => Promise.all([fork(), fork(), fork(), fork()]);`,
};

/** `stop` returns how often it has worked. */
const neighbour = (work: string): string => `
let begin = () => {}, cease = () => {}, work;
${work}
let isOn = false, count = 0, failure;
exports.start = async () => {
  isOn = true;
  count = 0;
  begin();
  const loop = async () => {
    for (; isOn; count++) {
      await work();
      await new Promise(setImmediate);
    }
  };
  loop().catch((error) => { failure = error; });
};
exports.stop = async () => {
  isOn = false;
  await cease();
  if (failure !== undefined) throw failure;
  return count;
};
`;

export const neighbours: Scenario = {
  name: "neighbours",
  about: `a service in a container gets ${CALLS_PER_SECOND} calls a second, alone, and beside another that takes all it can get`,
  async run(run): Promise<readonly Figure[]> {
    const lever = await startHost({}, { isolation: "oci" }).catch((error: unknown) => `${error}`);
    if (typeof lever === "string") {
      return [{ name: "Lever, oci could not run", value: lever.split("\n")[0] ?? "" }];
    }
    await using _host = lever;
    using caller = new Caller(lever.address);
    await deployService(lever, testService(calm, { name: "calm", minInstances: 1 }));
    const names = Object.keys(works) as (keyof typeof works)[];
    const service = (name: string): string => name.replace(" ", "-");
    for (const name of names) {
      await deployService(
        lever,
        testService(neighbour(works[name]), {
          name: service(name),
          minInstances: 1,
          maxInstances: 1,
        }),
      );
    }
    await using bare = await bareNode.start();
    using bareCaller = new Caller(`127.0.0.1:${bare.port}`);
    const counts = new Map<string, number[]>();
    let failed = 0;
    const p99 = async (
      seconds: number,
      call = () => caller.call("/calm/sayHello", ["world"]),
    ): Promise<number> => {
      const result = await callAtRate(CALLS_PER_SECOND, seconds, call);
      failed += result.failed;
      return quantile(result.latenciesMs, 0.99);
    };
    const callBare = () => bareCaller.call("/sayHello", ["world"]);
    const beside = async (name: string): Promise<number> => {
      if (name === "alone") return await p99(run.seconds);
      if (name === BARE) return await p99(run.seconds, callBare);
      if (name === BARE_BESIDE) {
        const spinning = [0, 1].map(() => spawn(process.execPath, ["-e", "while (true);"]));
        try {
          return await p99(run.seconds, callBare);
        } finally {
          for (const child of spinning) child.kill("SIGKILL");
        }
      }
      const started = await caller.call(`/${service(name)}/start`);
      if (started.status !== 200) throw new Error(`Cannot start what ${name}: ${started.text}`);
      const held = await p99(run.seconds);
      const { status, text } = await caller.call(`/${service(name)}/stop`);
      if (status !== 200) throw new Error(`Cannot stop what ${name}: ${text}`);
      counts.set(name, [...(counts.get(name) ?? []), Number(text)]);
      return held;
    };
    await p99(1);
    await p99(1, callBare);
    const results = await interleave(run, ["alone", ...names, BARE, BARE_BESIDE], beside);
    const of = (name: string): number[] => results.get(name) ?? [];
    const alone = results.get("alone") ?? [];
    const chart = "p99 of a calm service, ms";
    return [
      measured("alone, p99 ms", alone, { chart, label: "alone" }),
      ...names.flatMap((name) => {
        const held = results.get(name) ?? [];
        return [
          measured(`beside one that ${name}, p99 ms`, held, { chart, label: `Lever: ${name}` }),
          atMost(`beside one that ${name}, p99 / alone`, ratios(held, alone), 1.5),
          // It has done something in each round, or nothing was measured.
          atLeast(`what ${name} worked, times`, Math.min(...(counts.get(name) ?? [0])), 1),
        ];
      }),
      // The effect of two busy processes on a server without Lever.
      measured("node:http alone, p99 ms", of(BARE)),
      measured("node:http beside two that spin, p99 ms", of(BARE_BESIDE)),
      measured("node:http beside two that spin, p99 / alone", ratios(of(BARE_BESIDE), of(BARE))),
      atMost(
        "what one that spins does to Lever / to node:http",
        ratios(ratios(of("spins"), alone), ratios(of(BARE_BESIDE), of(BARE))),
        1.5,
      ),
      atMost("failed calls of the calm service", failed, 0),
    ];
  },
};
