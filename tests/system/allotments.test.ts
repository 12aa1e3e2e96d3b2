// @module-tag alone
// @module-tag needs-containers
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { HostEvent, NetworkPolicy } from "@leveros/protocol";
import { Client } from "leveros";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { adminOf } from "../harness/admin.ts";
import { type RunningLever, startLever } from "../harness/lever.ts";
import { OtherMachine } from "../harness/other-machine.ts";
import { deployService, testService } from "../harness/test-service.ts";

const SERVICE = `
const { execFileSync } = require("node:child_process");
const fs = require("node:fs");
const net = require("node:net");
exports.spinUntil = (at) => {
  execFileSync("taskset", ["-cp", "0", String(process.pid)]);
  while (Date.now() < at - 1500);
  const before = process.cpuUsage();
  while (Date.now() < at);
  return process.cpuUsage(before).user / 1e6;
};
exports.spin = (seconds) => {
  const before = process.cpuUsage();
  for (const at = Date.now() + seconds * 1e3; Date.now() < at; );
  return process.cpuUsage(before).user / 1e6 / seconds;
};
exports.pourChan = async function* () { for (const piece = Buffer.alloc(16e3); ; ) yield piece; };
exports.connect = (host, port) => new Promise((resolve) => {
  const socket = net.connect({ host, port, timeout: 1000 });
  const end = (how) => { socket.destroy(); resolve(how); };
  socket.on("connect", () => end("reached"));
  socket.on("timeout", () => end("nothing"));
  socket.on("error", (error) => end(error.code));
});
exports.send = (host, port, seconds) => new Promise((resolve) => {
  const socket = net.connect({ host, port });
  socket.on("error", () => {});
  const more = () => { while (socket.write(Buffer.alloc(64e3))); };
  socket.on("connect", more);
  socket.on("drain", more);
  setTimeout(() => { socket.destroy(); resolve(null); }, seconds * 1e3);
});
exports.receive = (host, port, seconds) => new Promise((resolve) => {
  const socket = net.connect({ host, port });
  let bytes = 0;
  socket.on("error", () => {});
  socket.on("data", (chunk) => { bytes += chunk.length; });
  setTimeout(() => { socket.destroy(); resolve(bytes / seconds); }, seconds * 1e3);
});
exports.keep = (name, bytes) => {
  try { fs.writeFileSync(process.env.LEVEROS_DATA_DIR + "/" + name, Buffer.alloc(bytes)); return "done"; }
  catch (error) { return error.code; }
};
exports.kept = () => fs.readdirSync(process.env.LEVEROS_DATA_DIR).filter((name) => name !== "lost+found");
exports.eat = async () => { for (const held = []; ; await new Promise(setImmediate)) held.push(Buffer.alloc(4e6, 1)); };
`;

/** Bytes a second for each megabyte of ram: so few that the machine itself is never the limit. */
const RATE_PER_MB = 8_000;
const ARGS = [
  "--limit",
  `networkBytesPerSecondPerMb=${RATE_PER_MB}`,
  "--limit",
  "serviceDataBytesMax=16777216",
];

/** Two sinks, a source, and a server that returns the counts of the sinks, on another machine. */
const PEER = `
const net = require("node:net");
const bytes = [0, 0];
const sinks = bytes.map((_, index) =>
  net.createServer((socket) => { socket.on("data", (chunk) => { bytes[index] += chunk.length; }).on("error", () => {}); }));
const source = net.createServer((socket) => {
  const more = () => { while (!socket.destroyed && socket.write(Buffer.alloc(64e3))); };
  socket.on("drain", more).on("error", () => {});
  more();
});
const counter = net.createServer((socket) => socket.on("error", () => {}).end(JSON.stringify(bytes)));
const servers = [...sinks, source, counter];
let listening = 0;
for (const server of servers) server.listen(0, "0.0.0.0", () => {
  if (++listening === servers.length) console.log(JSON.stringify(servers.map((it) => it.address().port)));
});
`;
const PUBLIC = "198.51.100.2";
const PRIVATE = "10.99.7.2";
const METADATA = "169.254.169.254";

let lever: RunningLever;
let other: OtherMachine;
let [sinkPort, otherSinkPort, sourcePort, counterPort] = [0, 0, 0, 0];
const dataDir = mkdtempSync(join(tmpdir(), "lever-allotments-"));

const service = (name: string, environment = "dev.lever") =>
  new Client({ forceHost: lever.address }).service(environment, name);

const deploy = (name: string, fields: object = {}, environment?: string): Promise<unknown> =>
  deployService(lever, testService(SERVICE, { name, ...fields }), environment);

beforeAll(async () => {
  other = new OtherMachine({
    here: "198.51.100.1/24",
    there: [`${PUBLIC}/24`, `${PRIVATE}/32`, `${METADATA}/32`],
  });
  [sinkPort, otherSinkPort, sourcePort, counterPort] = JSON.parse(await other.run(PEER)) as [
    number,
    number,
    number,
    number,
  ];
  lever = await startLever({ isolation: "oci", dataDir, args: ARGS });
  await deploy("small");
  await deploy("large", { ram: 512 });
}, 60_000);

afterAll(async () => {
  await lever.stop();
  other[Symbol.dispose]();
  rmSync(dataDir, { recursive: true });
});

describe("processor time", () => {
  test("instances share a core in proportion to their ram", async () => {
    const at = Date.now() + 4_000;
    const [small, large] = (await Promise.all([
      service("small").invoke("spinUntil", at),
      service("large").invoke("spinUntil", at),
    ])) as [number, number];
    expect(large / small).toBeGreaterThan(4 * 0.75);
    expect(large / small).toBeLessThan(4 * 1.25);
  });

  test("an instance uses no more than its maxCpu of a core", async () => {
    await deploy("held", { maxCpu: 0.2 });
    const share = await service("held").invoke("spin", 2);
    expect(share).toBeGreaterThan(0.02);
    expect(share).toBeLessThan(0.25);
  });
});

/** Within a fifth of the rate for `ram` megabytes. */
function expectRateOf(ram: number, bytesPerSecond: unknown): void {
  expect(Number(bytesPerSecond) / (ram * RATE_PER_MB)).toBeGreaterThan(0.8);
  expect(Number(bytesPerSecond) / (ram * RATE_PER_MB)).toBeLessThan(1.2);
}

async function pourRate(name: string): Promise<number> {
  const stream = await service(name).invokeChan("pourChan");
  let bytes = 0;
  let since = 0;
  for await (const piece of stream) {
    // The burst, and what fills windows and sockets, is over after 1.5 MB.
    bytes += (piece as Buffer).length;
    if (since === 0 && bytes > 1.5e6) {
      since = Date.now();
      bytes = 0;
    }
    if (since > 0 && Date.now() - since > 2_000) break;
  }
  stream.cancel();
  return (bytes * 1_000) / (Date.now() - since);
}

describe("network rate", () => {
  test("calls of an instance have a network rate in proportion to its ram", async () => {
    const [small, large] = await Promise.all([pourRate("small"), pourRate("large")]);
    expectRateOf(128, small);
    expectRateOf(512, large);
  });

  test("an instance receives at a rate in proportion to its ram", async () => {
    const received = await Promise.all([
      service("small").invoke("receive", PUBLIC, sourcePort, 3),
      service("large").invoke("receive", PUBLIC, sourcePort, 3),
    ]);
    expectRateOf(128, received[0]);
    expectRateOf(512, received[1]);
  });

  test("an instance sends at a rate in proportion to its ram", async () => {
    const before = await sunkBytes();
    await Promise.all([
      service("small").invoke("send", PUBLIC, sinkPort, 3),
      service("large").invoke("send", PUBLIC, otherSinkPort, 3),
    ]);
    const after = await sunkBytes();
    expectRateOf(128, (after[0] - before[0]) / 3);
    expectRateOf(512, (after[1] - before[1]) / 3);
  });
});

async function sunkBytes(): Promise<[number, number]> {
  const { connect } = await import("node:net");
  let text = "";
  for await (const chunk of connect(counterPort, PUBLIC)) text += String(chunk);
  return JSON.parse(text) as [number, number];
}

describe("the network policy of an environment", () => {
  const reach = async (environment: string): Promise<string[]> => {
    const places = {
      internet: [PUBLIC, sinkPort],
      otherPort: [PUBLIC, sourcePort],
      private: [PRIVATE, sinkPort],
      metadata: [METADATA, sinkPort],
      host: ["198.51.100.1", Number(lever.address.split(":")[1])],
    };
    const entries = Object.entries(places).map(async ([name, [host, port]]) => {
      const how = await service("reacher", environment).invoke("connect", host, port);
      return how === "reached" ? [name] : [];
    });
    return (await Promise.all(entries)).flat();
  };

  beforeAll(async () => {
    await adminOf(lever).invoke("createEnvironment", "reach.lever");
    await deploy("reacher", {}, "reach.lever");
    await deploy("reacher");
  });

  test.each<[name: string, policy: () => NetworkPolicy, places: readonly string[]]>([
    ["internet", () => "internet", ["internet", "otherPort"]],
    ["none", () => "none", []],
    ["an address with a port", () => [`${PUBLIC}:${sinkPort}`], ["internet"]],
    ["a range", () => ["10.99.0.0/16"], ["private"]],
    ["dns and all addresses", () => ["dns", "0.0.0.0/0"], ["internet", "otherPort", "private"]],
    ["internet again", () => "internet", ["internet", "otherPort"]],
  ])("a running instance reaches what its policy allows: %s", async (_name, policy, places) => {
    await adminOf(lever).invoke("setNetwork", "reach.lever", policy());
    expect(await reach("reach.lever")).toEqual(places);
  });

  test("a policy changes nothing for other environments", async () => {
    await adminOf(lever).invoke("setNetwork", "reach.lever", "none");
    expect(await reach("dev.lever")).toEqual(["internet", "otherPort"]);
  });

  test.each([
    [[], "a list of 1 to 200"],
    [["example"], '"example" is not a destination'],
    [["10.0.0.256"], "is not a destination"],
    [["10.0.0.1/33"], "is not a destination"],
    [["10.0.0.1:0"], "is not a destination"],
    ["all", 'allowed is "internet", "none"'],
  ])("the policy %j is refused", async (policy, reason) => {
    const wrong = policy as NetworkPolicy;
    await expect(adminOf(lever).invoke("setNetwork", "dev.lever", wrong)).rejects.toThrow(reason);
  });
});

describe("the disk of a service", () => {
  beforeAll(async () => {
    await deploy("keeper");
    expect(await service("keeper").invoke("keep", "first", 1e6)).toBe("done");
  });

  test("a disk holds no more than serviceDataBytesMax", async () => {
    expect(await service("keeper").invoke("keep", "second", 3e7)).toBe("ENOSPC");
  });

  test("a full disk takes nothing from other services", async () => {
    expect(await service("small").invoke("keep", "first", 1e6)).toBe("done");
  });

  test("a disk keeps its files through a restart of the host", async () => {
    await lever.stop();
    lever = await startLever({ isolation: "oci", dataDir, args: ARGS });
    expect(await service("keeper").invoke("kept")).toEqual(["first", "second"]);
  });
});

describe("an instance that needs more memory than its ram", () => {
  const reason = /needed more memory than the 128 MB/;
  let outcome: unknown;
  let answers = 0;
  let failed: HostEvent | undefined;

  beforeAll(async () => {
    await deploy("eater");
    let isOver = false;
    const eaten = service("eater")
      .invoke("eat")
      .catch(String)
      .finally(() => {
        isOver = true;
      });
    for (; !isOver; answers++) await service("small").invoke("kept");
    outcome = await eaten;
    const events = await adminOf(lever).invoke("listEvents", "dev.lever", "eater");
    failed = events.find(({ event }) => event === "instance failed");
  });

  test("the call of an instance that needs more memory fails with its ram", () => {
    expect(outcome).toMatch(/needed more memory than the 128 MB that "ram" allots it/);
  });

  test("a neighbour of an instance that needs more memory than its ram answers", () => {
    expect(answers).toBeGreaterThan(0);
  });

  test("the event of an instance that needed more memory says so", () => {
    expect(JSON.stringify(failed)).toMatch(reason);
  });

  test("explainInstance says that an instance needed more memory", async () => {
    const instance = String(failed?.["instance"]);
    const story = await adminOf(lever).invoke("explainInstance", "dev.lever", instance);
    expect(JSON.stringify(story)).toMatch(reason);
  });
});
