/**
 * The service of a hostile tenant: it runs whatever it is given, as itself or as a program in Python, which can make any
 * system call.
 */
const { spawn } = require("node:child_process");
const { readFileSync, writeSync } = require("node:fs");
const { networkInterfaces } = require("node:os");

const PYTHON = "/usr/bin/python3";
const prelude = readFileSync(`${__dirname}/prelude.py`, "utf8");
const AsyncFunction = (async () => {}).constructor;

exports.alive = () => "alive";

exports.address = () => networkInterfaces().eth0?.[0].address;

/** Resolves to what the program printed, or how it ended when that was not by itself. */
exports.python = (source, facts) =>
  new Promise((resolve, reject) => {
    const child = spawn(PYTHON, ["-c", `${prelude}\n${source}`, JSON.stringify(facts)], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    let printed = "";
    let complaint = "";
    child.stdout.on("data", (chunk) => (printed += chunk));
    child.stderr.on("data", (chunk) => (complaint += chunk));
    child.on("error", reject);
    child.on("close", (status, signal) => {
      if (signal !== null) resolve(signal);
      else if (status === 0) resolve(printed.trim());
      else reject(new Error(complaint));
    });
  });

exports.script = (source, facts) =>
  new AsyncFunction("facts", "require", "link", source)(facts, require, link);

/** The link to the host as it is: file descriptor 3, and frames made by hand. */
const LINK_FD = 3;
const link = {
  /** Files in memory that the host has, too. */
  INCOMING_FD: 4,
  OUTGOING_FD: 5,

  OPEN: 1,
  MESSAGE: 2,
  ABORT: 3,
  CREDIT: 4,
  CONTROL: 5,
  PING: 6,
  PONG: 7,
  SLOTS_READ: 8,
  MORE: 2,
  LAST: 4,

  frame(type, flags, id, payload = Buffer.alloc(0), chunks = 0) {
    const header = Buffer.alloc(12);
    header.writeUInt32LE(payload.length, 0);
    header[4] = type;
    header[5] = flags;
    header.writeUInt16LE(chunks, 6);
    header.writeUInt32LE(id, 8);
    return Buffer.concat([header, payload]);
  },

  /** A message whose payload is in shared memory. */
  shared(flags, id, slot, length) {
    const header = link.frame(link.MESSAGE, flags, id);
    header.writeUInt32LE(length | (slot << 24), 0);
    return header;
  },

  control: (message) => link.frame(link.CONTROL, 0, 0, Buffer.from(JSON.stringify(message))),

  /** The payload of an OPEN frame. */
  opening({ environment, service, resource = "", method, body = "[]" }) {
    // It claims to be the admin service's own caller.
    const names = ["local", "", environment, service, resource, method].map((name) =>
      Buffer.from(name),
    );
    const head = Buffer.alloc(26);
    // The version of the link, which a file beside this one has, and the kind of the caller.
    head.set([require("./link-version.json"), 1]);
    for (const [index, name] of names.entries()) head.writeUInt16LE(name.length, 2 + 2 * index);
    return Buffer.concat([head, ...names, Buffer.from(body)]);
  },

  /** Writes to the socket behind the runtime's back, all of it. */
  write(bytes) {
    for (let at = 0; at < bytes.length; ) {
      try {
        at += writeSync(LINK_FD, bytes, at);
      } catch (error) {
        if (error.code !== "EAGAIN") throw error;
        // The host needs the processor to read.
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
      }
    }
  },

  /** Makes a call through the runtime's end, with an opening of its own; resolves to its reply or to the refusal. */
  call: (opening) =>
    new Promise((resolve) => {
      const { callee } = globalThis[Symbol.for("leveros.instance-link")];
      const events = {
        onMessage: (_kind, bytes) => resolve(`let in: ${Buffer.from(bytes)}`),
        onEnd: () => resolve("ended"),
        onFail: (_kind, bytes) => resolve(`failed: ${Buffer.from(bytes)}`),
        onAbort: (error) => resolve(error.code),
        onDrain() {},
      };
      const { environment, service, resource = "", method, ...rest } = opening;
      const request = {
        caller: { kind: "admin", principal: "local" },
        target: { environment, service, resource, method },
        isStream: false,
        timeoutMs: 0,
        kind: 0,
        body: Buffer.from("[]"),
        ...rest,
      };
      callee.open(request, events, false);
    }),
};
