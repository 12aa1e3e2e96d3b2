// @module-tag needs-containers
import { createSocket, type Socket as DatagramSocket } from "node:dgram";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { NetworkPolicy } from "@leveros/protocol";
import { Client } from "leveros";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { adminOf } from "../harness/admin.ts";
import { type RunningLever, startLever } from "../harness/lever.ts";
import { NameServer } from "../harness/name-server.ts";
import { OtherMachine } from "../harness/other-machine.ts";
import { deployService, testService } from "../harness/test-service.ts";

const SERVICE = `
const { execFileSync } = require("node:child_process");
const { createSocket } = require("node:dgram");
const net = require("node:net");
/** The first line of a server, or the reason why there is none. */
exports.connect = (host, port) => new Promise((resolve) => {
  const socket = net.connect({ host, port, timeout: 700 });
  const end = (how) => { socket.destroy(); resolve(how); };
  socket.on("data", (chunk) => end(String(chunk)));
  socket.on("timeout", () => end("nothing"));
  socket.on("error", (error) => end(error.code));
});
exports.ask = (host, port) => new Promise((resolve) => {
  const socket = createSocket("udp4");
  const end = (how) => { socket.close(); resolve(how); };
  const timer = setTimeout(() => end("nothing"), 700);
  socket.on("error", (error) => { clearTimeout(timer); end(error.code); });
  socket.on("message", (message) => { clearTimeout(timer); end(String(message)); });
  socket.send("hello", port, host);
});
let held;
exports.hold = (host, port) => new Promise((resolve, reject) => {
  held = net.connect({ host, port });
  held.once("data", () => resolve(null)).once("error", reject);
});
/** Whether the held connection answers. */
exports.stillHeld = () => new Promise((resolve) => {
  const timer = setTimeout(() => resolve(false), 700);
  held.once("data", () => { clearTimeout(timer); resolve(true); });
  held.write("again");
});
exports.id = () => process.env.LEVEROS_INSTANCE_ID;
exports.gateway = () => {
  const route = /^eth0\\t00000000\\t([0-9A-F]{8})/m.exec(require("fs").readFileSync("/proc/net/route", "utf8"))[1];
  return route.match(/../g).reverse().map((byte) => parseInt(byte, 16)).join(".");
};
`;
const NOTHING = /^(nothing|ECONNREFUSED|EHOSTUNREACH)$/;

/** Addresses of a range that the default policy does not open (RFC 2544), and of loopback, by the process's own number. */
const RANGE = `198.18.${(process.pid >> 8) & 0xff}`;
const HERE = `${RANGE}.${(process.pid & 0xfc) + 1}`;
const FAR = `${RANGE}.${(process.pid & 0xfc) + 2}`;
const FAR_PORT = 5_432;
const NAME_SERVER = `127.53.${process.pid & 0xff}.${(process.pid >> 8) & 0xff}`;

const folder = mkdtempSync(join(tmpdir(), "lever-machine-ports-"));
let nameServer: NameServer;
let lever: RunningLever;
let other: OtherMachine;
/** Servers of this machine that send their peer's address: two on loopback only, one on another address. */
let listed: Server;
let unlisted: Server;
let outside: Server;
let datagrams: DatagramSocket;
let gateway: string;

const portOf = (server: Server): number => (server.address() as AddressInfo).port;
const service = (environment = "dev.lever") =>
  new Client({ forceHost: lever.address }).service(environment, "caller");
const setNetwork = (policy: NetworkPolicy, token?: string): Promise<null> =>
  adminOf(lever, token).invoke("setNetwork", "dev.lever", policy);

async function serverAt(address: string): Promise<Server> {
  const server = createServer((socket) => {
    socket.on("error", () => {}).on("data", () => socket.write("again"));
    socket.write(`peer ${socket.remoteAddress}`);
  });
  await once(server.listen(0, address), "listening");
  return server;
}

beforeAll(async () => {
  other = new OtherMachine({ here: `${HERE}/30`, there: [`${FAR}/30`] });
  [listed, unlisted, outside] = await Promise.all([
    serverAt("127.0.0.1"),
    serverAt("127.0.0.1"),
    serverAt(other.hostAddress),
  ]);
  datagrams = createSocket("udp4", (message, { address, port }) =>
    datagrams.send(`${message} to ${address}`, port, address),
  );
  await once(datagrams.bind(portOf(listed), "127.0.0.1"), "listening");
  nameServer = await NameServer.start({ address: NAME_SERVER, port: 53 });
  const resolvConf = join(folder, "resolv.conf");
  writeFileSync(resolvConf, `nameserver ${NAME_SERVER}\n`);
  // Only this host sees the file.
  const script = 'mount --bind "$0" /etc/resolv.conf && exec "$@"';
  const wrapper = ["unshare", "--mount", "sh", "-c", script, resolvConf];
  lever = await startLever({ isolation: "oci", wrapper });
  await adminOf(lever).invoke("createEnvironment", "other.lever");
  for (const environment of ["dev.lever", "other.lever"]) {
    await deployService(lever, testService(SERVICE, { name: "caller" }), environment);
  }
  gateway = String(await service().invoke("gateway"));
}, 60_000);

afterAll(async () => {
  await lever.stop();
  for (const server of [listed, unlisted, outside]) server.close();
  datagrams.close();
  nameServer[Symbol.dispose]();
  rmSync(folder, { recursive: true });
  other[Symbol.dispose]();
});

describe("a port of a loopback address that an environment lists", () => {
  beforeAll(() => setNetwork(["internet", `localhost:${portOf(listed)}`]));

  test.each(["127.0.0.1", "localhost"])("is reached at %s, as a local peer", async (host) => {
    expect(await service().invoke("connect", host, portOf(listed))).toBe("peer 127.0.0.1");
  });

  test("is reached by UDP", async () => {
    expect(await service().invoke("ask", "127.0.0.1", portOf(listed))).toBe("hello to 127.0.0.1");
  });

  test("opens no other port of the machine", async () => {
    const tries = [
      ["127.0.0.1", portOf(unlisted)],
      ["127.0.0.1", Number(lever.address.split(":")[1])],
      [gateway, portOf(listed)],
      [gateway, portOf(unlisted)],
      [gateway, 10_001],
      [other.hostAddress, portOf(outside)],
    ] as const;
    for (const [host, port] of tries) {
      expect(await service().invoke("connect", host, port)).toMatch(NOTHING);
    }
  });

  test("is closed to other environments", async () => {
    for (const [host, port] of [
      ["127.0.0.1", portOf(listed)],
      [gateway, portOf(listed)],
      [gateway, 10_000],
    ] as const) {
      expect(await service("other.lever").invoke("connect", host, port)).toMatch(NOTHING);
    }
  });

  test("is reached by an instance that starts later", async () => {
    await deployService(lever, testService(SERVICE, { name: "caller" }));
    expect(await service().invoke("connect", "127.0.0.1", portOf(listed))).toBe("peer 127.0.0.1");
  });

  test("is closed for running instances and open connections when it leaves the list", async () => {
    await service().invoke("hold", "127.0.0.1", portOf(listed));
    expect(await service().invoke("stillHeld")).toBe(true);
    await setNetwork(["internet", `localhost:${portOf(unlisted)}`]);
    expect(await service().invoke("stillHeld")).toBe(false);
    expect(await service().invoke("connect", "127.0.0.1", portOf(listed))).toMatch(NOTHING);
    expect(await service().invoke("connect", "127.0.0.1", portOf(unlisted))).toMatch(/^peer/);
    await setNetwork("none");
    expect(await service().invoke("connect", "127.0.0.1", portOf(unlisted))).toMatch(NOTHING);
  });
});

test("a port of another address of the machine is reached when it is listed", async () => {
  await setNetwork([`${other.hostAddress}:${portOf(outside)}`]);
  expect(await service().invoke("connect", other.hostAddress, portOf(outside))).toMatch(/^peer 10/);
  expect(
    await service("other.lever").invoke("connect", other.hostAddress, portOf(outside)),
  ).toMatch(NOTHING);
  await setNetwork([`${other.hostAddress}/24`]);
  expect(await service().invoke("connect", other.hostAddress, portOf(outside))).toMatch(NOTHING);
});

test("a listed name opens the addresses that the machine's name servers return", async () => {
  await other.run(
    `require("net").createServer((socket) => socket.on("error", () => {}).end("peer there"))
      .listen(${FAR_PORT}, "0.0.0.0", () => console.log("listening"));`,
  );
  nameServer.names.set("db.example.com", [FAR]);
  await setNetwork("internet");
  expect(await service().invoke("connect", FAR, FAR_PORT)).toMatch(NOTHING);
  const set = await lever.lever(["env", "network", "dev.lever", `db.example.com:${FAR_PORT}`]);
  expect([set.status, set.stderr]).toEqual([0, ""]);
  expect(await service().invoke("connect", FAR, FAR_PORT)).toBe("peer there");
  expect(await service("other.lever").invoke("connect", FAR, FAR_PORT)).toMatch(NOTHING);
  const refused = await lever.lever(["env", "network", "dev.lever", "dn.example.com:5432"]);
  expect([refused.status, refused.stderr]).toEqual([
    3,
    expect.stringContaining("dn.example.com has no IPv4 address that the machine's name servers"),
  ]);
});

test("what instances would not reach cannot be listed", async () => {
  const refused = await lever.lever(["env", "network", "dev.lever", lever.address]);
  expect([refused.status, refused.stderr]).toEqual([
    3,
    expect.stringContaining(`Cannot set the network: ${lever.address} is this host itself`),
  ]);
  await expect(setNetwork([gateway])).rejects.toThrow("belongs to the network of instances");
  await expect(setNetwork([other.hostAddress])).rejects.toThrow("is this machine; name a port too");
});

test("a connection that was blocked is an event of its instance, which lever why shows", async () => {
  await setNetwork("internet");
  await deployService(lever, testService(SERVICE, { name: "caller" }));
  const instance = String(await service().invoke("id"));
  await service().invoke("connect", gateway, 4_444);
  await lever.event("connections blocked", { instance });
  const { stdout } = await lever.lever(["why", instance]);
  expect(stdout).toContain(`tcp ${gateway}:4444`);
});

test("a token for one environment opens no port of the machine", async () => {
  const rights = ["admin"] as const;
  const all = await adminOf(lever).invoke("createToken", { environments: ["*"], rights });
  const { token } = await adminOf(lever, all.token).invoke("createToken", {
    environments: ["dev.lever"],
    rights,
  });
  for (const policy of [["localhost:5432"], [`${other.hostAddress}:5432`]]) {
    await expect(setNetwork(policy, token)).rejects.toThrow("all environments");
  }
  await setNetwork("internet", token);
});
