import type { Attempt } from "../attempt.ts";
import { hostMemoryDuring } from "../host-memory.ts";

const both = (answer: string): Attempt["answers"] => ({ oci: answer, process: answer });

/** What an instance can say to its host, and who it can claim to be. */
export const link: readonly Attempt[] = [
  {
    name: "calls the admin service over its link, by its name and by ones like it",
    gain: "Lever itself",
    answers: both("forbidden unknown_environment"),
    script: `
const answers = new Set();
for (const environment of ["admin.lever", "ADMIN.LEVER", "admin.lever.", "admin.lever:80", "admin.lever\\0", " admin.lever"])
  answers.add(await link.call({ environment, service: "admin", method: "listServices", body: Buffer.from('["dev.lever"]') }));
return [...answers].join(" ");`,
  },
  {
    name: "calls a private service of another environment over its link",
    gain: "what only that environment's own services may ask",
    answers: both("private_service"),
    script: `return link.call({ environment: "other.lever", service: "vault", method: "secret" });`,
  },
  {
    name: "calls what is no service by names of objects in JavaScript",
    gain: "the host's own functions",
    answers: both("unknown_environment unknown_service unknown_method"),
    script: `
const answers = new Set();
for (const name of ["__proto__", "constructor"]) {
  answers.add(await link.call({ environment: name, service: name, method: name }));
  answers.add(await link.call({ environment: "dev.lever", service: name, method: name }));
  answers.add(await link.call({ environment: "dev.lever", service: "neighbour", method: name }));
}
return [...answers].join(" ");`,
  },
  {
    name: "answers calls that are not its own, by guessing their numbers",
    gain: "a forged answer to a neighbour's caller",
    answers: both("forged for itself"),
    script: `
const forged = Buffer.from('"forged for itself"');
for (let id = 0; id < 20_000; id += 2) link.write(link.frame(link.MESSAGE, link.LAST, id, forged));
return new Promise(() => {});`,
  },
  {
    name: "opens calls by frames of its own that claim another caller",
    gain: "a private service of another environment",
    answers: both("private_service"),
    script: `
const { Socket } = require("node:net");
const socket = process._getActiveHandles().find((it) => it instanceof Socket && it._handle.fd === 3);
const ID = 0x1000_0001;
const answer = new Promise((resolve) => socket.on("data", (chunk) => {
  const at = chunk.indexOf(link.frame(link.ABORT, 0, ID).subarray(4));
  if (at !== -1) resolve(JSON.parse(chunk.subarray(at + 8, at + 8 + chunk.readUInt32LE(at - 4))).code);
}));
const opening = link.opening({ environment: "other.lever", service: "vault", method: "secret" });
link.write(link.frame(link.OPEN, link.LAST, ID, opening));
return answer;`,
  },
  {
    name: "opens calls with numbers that are the host's",
    gain: "confusion over whose call it is",
    answers: both("instance_failed"),
    script: `
link.write(link.frame(link.OPEN, link.LAST, 4_000, link.opening({ environment: "", service: "neighbour", method: "alive" })));
return new Promise(() => {});`,
  },
  {
    name: "says that it is ready again, as something else and with methods of others",
    gain: "calls that were meant for others",
    answers: both("done"),
    script: `
const claim = { environment: "other.lever", service: "neighbour", version: 9, instance: "neighbour-1-00000000" };
link.write(link.control({ ...claim, type: "started" }));
link.write(link.control({ ...claim, type: "ready", methods: ["alive", "secret", "python", "script", "address"] }));
return "done";`,
  },
  {
    name: "gives its host an assignment, as its host does to it",
    gain: "code of its choice that runs elsewhere",
    answers: both("instance_failed"),
    script: `
link.write(link.control({ type: "assign", assignment: { environment: "other.lever", service: "neighbour", codeDir: "/" } }));
return new Promise(() => {});`,
  },
  {
    name: "says that it is leaving, for itself and for others",
    gain: "neighbours that are stopped",
    answers: both("done"),
    script: `
link.write(link.control({ type: "stopping", environment: "other.lever", service: "neighbour" }));
return "done";`,
  },
  {
    name: "writes nonsense to its link",
    gain: "a host that ends",
    answers: both("instance_failed"),
    script: `
link.write(require("node:crypto").randomBytes(1_000_000));
return new Promise(() => {});`,
  },
  {
    name: "writes a frame that is larger than any may be",
    gain: "the host's memory",
    answers: both("instance_failed"),
    script: `
const header = link.frame(link.MESSAGE, 0, 2);
header.writeUInt32LE(0xffff_ffff, 0);
link.write(header);
return new Promise(() => {});`,
  },
  {
    name: "tells its host of what is not in the memory that they share",
    gain: "what is in the host's memory beside it",
    answers: both("instance_failed"),
    script: `
require("node:fs").ftruncateSync(link.OUTGOING_FD, 0);
for (let id = 0; id < 1_000; id += 2) link.write(link.shared(link.LAST, id, 2, 20_000));
return new Promise(() => {});`,
  },
  {
    name: "tells its host of the same shared memory again and again",
    gain: "the host's memory and time",
    answers: both("instance_failed, memory of the host bounded"),
    from: (world) =>
      hostMemoryDuring(
        world,
        `
require("node:fs").writeSync(link.OUTGOING_FD, Buffer.alloc(64 * 1024, 32), 0, 64 * 1024, 0);
const many = Buffer.concat(Array.from({ length: 5_000 }, () => link.shared(link.LAST, 0xffff, 1, 64 * 1024)));
for (let round = 0; round < 1_000; round++) link.write(many);
return new Promise(() => {});`,
      ),
  },
  {
    name: "has read more of the shared memory than its host has written",
    gain: "bodies of later calls in place of its own",
    answers: both("instance_failed"),
    script: `
link.write(link.frame(link.SLOTS_READ, 0, 1_000));
return new Promise(() => {});`,
  },
  {
    name: "changes what its host has written into shared memory",
    gain: "something that the host trusts",
    answers: both("done"),
    script: `
const fs = require("node:fs");
for (const fd of [link.INCOMING_FD, link.OUTGOING_FD]) {
  fs.writeSync(fd, Buffer.alloc(1_000_000, 255), 0, 1_000_000, 0);
  fs.ftruncateSync(fd, 0);
}
return "done";`,
  },
  {
    name: "writes control messages of JSON nested without end",
    gain: "a host that ends",
    answers: both("instance_failed"),
    script: `
link.write(link.frame(link.CONTROL, 0, 0, Buffer.from("[".repeat(60_000) + "]".repeat(60_000))));
return new Promise(() => {});`,
  },
  {
    name: "writes without ever reading: pings, whose answers pile up",
    gain: "the host's memory",
    answers: both("instance_failed, memory of the host bounded"),
    from: (world) =>
      hostMemoryDuring(
        world,
        `
const pings = Buffer.concat(Array.from({ length: 50_000 }, () => link.frame(link.PING, 0, 0)));
for (let round = 0; round < 1_000; round++) link.write(pings);
return new Promise(() => {});`,
      ),
  },
  {
    name: "writes without ever reading: calls, whose refusals pile up",
    gain: "the host's memory",
    answers: both("instance_failed, memory of the host bounded"),
    from: (world) =>
      hostMemoryDuring(
        world,
        `
const opening = link.opening({ environment: "x".repeat(8_000), service: "x", method: "x" });
for (let id = 0x1000_0001; id < 0x1000_0001 + 2 * 100_000; id += 2) link.write(link.frame(link.OPEN, link.LAST, id, opening));
return new Promise(() => {});`,
      ),
  },
  {
    name: "begins many large calls, and finishes none",
    gain: "the host's memory",
    answers: both("done, memory of the host bounded"),
    from: (world) =>
      hostMemoryDuring(
        world,
        `
const part = Buffer.alloc(64 * 1024, 32);
const opening = link.opening({ environment: "", service: "neighbour", method: "alive", body: part });
for (let id = 0x1000_0001; id < 0x1000_0001 + 2 * 100; id += 2) {
  link.write(link.frame(link.OPEN, link.MORE, id, opening, 63));
  for (let round = 0; round < 62; round++) link.write(link.frame(link.MESSAGE, link.MORE, id, part));
}
return "done";`,
      ),
  },
];
