import type { Attempt } from "../attempt.ts";
import { hostMemoryDuring } from "../host-memory.ts";

const both = (answer: string): Attempt["answers"] => ({ oci: answer, process: answer });

/** Attempts over the instance's link to its host. */
export const link: readonly Attempt[] = [
  {
    name: "calls the admin service over its link, by its name and by similar names",
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
    gain: "answers that are only for that environment's own services",
    answers: both("private_service"),
    script: `return link.call({ environment: "other.lever", service: "vault", method: "secret" });`,
  },
  {
    name: "calls names of built-in JavaScript objects as if they were services",
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
    name: "answers calls of other instances, with guessed call numbers",
    gain: "a forged answer to a neighbour's caller",
    answers: both("forged for itself"),
    script: `
const forged = Buffer.from('"forged for itself"');
for (let id = 0; id < 20_000; id += 2) link.write(link.frame(link.MESSAGE, link.LAST, id, forged));
return new Promise(() => {});`,
  },
  {
    name: "opens calls with frames that name another caller",
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
    name: "opens calls with numbers from the host's range",
    gain: "a call that is confused with another one",
    answers: both("instance_failed"),
    script: `
link.write(link.frame(link.OPEN, link.LAST, 4_000, link.opening({ environment: "", service: "neighbour", method: "alive" })));
return new Promise(() => {});`,
  },
  {
    name: "reports ready again, as another instance and with methods of others",
    gain: "calls for others",
    answers: both("done"),
    script: `
const claim = { environment: "other.lever", service: "neighbour", version: 9, instance: "neighbour-1-00000000" };
link.write(link.control({ ...claim, type: "started" }));
link.write(link.control({ ...claim, type: "ready", methods: ["alive", "secret", "python", "script", "address"] }));
return "done";`,
  },
  {
    name: "sends its host an assignment, as the host sends to instances",
    gain: "code of its choice in another process",
    answers: both("instance_failed"),
    script: `
link.write(link.control({ type: "assign", assignment: { environment: "other.lever", service: "neighbour", codeDir: "/" } }));
return new Promise(() => {});`,
  },
  {
    name: "reports that it is stopping, for itself and for others",
    gain: "stopped neighbours",
    answers: both("done"),
    script: `
link.write(link.control({ type: "stopping", environment: "other.lever", service: "neighbour" }));
return "done";`,
  },
  {
    name: "writes random bytes to its link",
    gain: "a crash of the host",
    answers: both("instance_failed"),
    script: `
link.write(require("node:crypto").randomBytes(1_000_000));
return new Promise(() => {});`,
  },
  {
    name: "writes a frame over the size limit",
    gain: "the host's memory",
    answers: both("instance_failed"),
    script: `
const header = link.frame(link.MESSAGE, 0, 2);
header.writeUInt32LE(0xffff_ffff, 0);
link.write(header);
return new Promise(() => {});`,
  },
  {
    name: "sends references to places outside the shared memory",
    gain: "the host's memory next to it",
    answers: both("instance_failed"),
    script: `
require("node:fs").ftruncateSync(link.OUTGOING_FD, 0);
for (let id = 0; id < 1_000; id += 2) link.write(link.shared(link.LAST, id, 2, 20_000));
return new Promise(() => {});`,
  },
  {
    name: "sends references to the same shared memory again and again",
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
    name: "acknowledges more of the shared memory than its host has written",
    gain: "bodies of later calls in place of its own",
    answers: both("instance_failed"),
    script: `
link.write(link.frame(link.SLOTS_READ, 0, 1_000));
return new Promise(() => {});`,
  },
  {
    name: "changes what its host has written into shared memory",
    gain: "data that the host trusts",
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
    name: "writes control messages of deeply nested JSON",
    gain: "a crash of the host",
    answers: both("instance_failed"),
    script: `
link.write(link.frame(link.CONTROL, 0, 0, Buffer.from("[".repeat(60_000) + "]".repeat(60_000))));
return new Promise(() => {});`,
  },
  {
    name: "sends pings without reading the answers",
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
    name: "opens calls without reading the errors",
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
    name: "starts many large calls, and completes none",
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
