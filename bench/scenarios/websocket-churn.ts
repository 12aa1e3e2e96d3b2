import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { WebSocket } from "ws";
import { listInstances } from "../../tests/harness/admin.ts";
import { deployService, testService } from "../../tests/harness/test-service.ts";
import { atMost, type Figure, measured } from "../figure.ts";
import { startWs } from "../peers/echo-servers.ts";
import { proportionalBytes } from "../process-figures.ts";
import { type Scenario, startHost } from "../scenario.ts";

const SOCKETS = 10_000;
/** Sockets that open at the same time. */
const OPENING = 64;
/** Time without calls before the memory of an idle process is read. */
const IDLE_MS = 25_000;
const RATIO_MAX = 1.1;

const service = `
exports.echoChan = async (stream) => { for await (const message of stream) stream.write(message); };
`;

/** A server of WebSockets, and the process that holds them. */
interface Server {
  readonly url: string;
  /** The first message of each socket. */
  readonly first: string | undefined;
  readonly pid: number;
}

export const webSocketChurn: Scenario = {
  name: "websocket-churn",
  group: "off-path",
  about: "the memory that a server keeps after 10,000 WebSockets were opened and closed, in rounds",
  async run(run): Promise<readonly Figure[]> {
    await using host = await startHost({
      connectionsMax: 2 * SOCKETS,
      callsPerInstanceMax: 2 * SOCKETS,
    });
    const fields = { name: "work", minInstances: 1, maxInstances: 1, maxInstanceLoad: 2 * SOCKETS };
    await deployService(host, testService(service, fields));
    const { instances } = await listInstances(host);
    const instancePid = instances[0]?.pid ?? Number.NaN;
    await using peer = await startWs();
    const ws: Server = { url: `ws://${peer.address}/`, first: undefined, pid: peer.pid };
    const lever: Server = {
      url: `ws://${host.address}/work/echoChan?forceenv=dev.lever`,
      first: "[]",
      pid: host.pid,
    };
    for (const server of [ws, lever]) await openAndClose(server, 100);
    const pids = [ws.pid, lever.pid, instancePid];
    const before = pids.map(proportionalBytes);
    const grownMb = (): number[] =>
      pids.map((pid, index) => (proportionalBytes(pid) - (before[index] ?? 0)) / 1e6);
    for (let round = 0; round < run.rounds; round++) {
      run.calibrate();
      for (const server of round % 2 === 0 ? [ws, lever] : [lever, ws]) {
        await openAndClose(server, SOCKETS);
      }
    }
    const [wsAtOnceMb = 0, hostAtOnceMb = 0] = grownMb();
    await delay(IDLE_MS);
    const [wsMb = 0, hostMb = 0, instanceMb = 0] = grownMb();
    return [
      measured("at once: Lever's host has grown by, MB", hostAtOnceMb),
      measured("at once: ws has grown by, MB", wsAtOnceMb),
      measured("idle: Lever's host has grown by, MB", hostMb),
      measured("idle: Lever's instance has grown by, MB", instanceMb),
      measured("idle: ws has grown by, MB", wsMb),
      atMost("idle: growth of Lever's host / ws", hostMb / wsMb, RATIO_MAX),
    ];
  },
};

/** Opens so many WebSockets, has one message sent back over each, and closes all. */
async function openAndClose({ url, first }: Server, count: number): Promise<void> {
  const sockets: WebSocket[] = [];
  const openNext = async (): Promise<void> => {
    while (sockets.length < count) {
      const socket = new WebSocket(url, { perMessageDeflate: false });
      sockets.push(socket);
      await once(socket, "open");
      if (first !== undefined) socket.send(first);
      socket.send('"hello"');
      await once(socket, "message");
    }
  };
  await Promise.all(Array.from({ length: OPENING }, openNext));
  await Promise.all(
    sockets.map((socket) => {
      socket.close();
      return once(socket, "close");
    }),
  );
}
