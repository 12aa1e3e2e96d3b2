import { freePort, type Peer, programPath, startNode, untilServing } from "../peer.ts";

const program = programPath("moleculer.cjs");

/** A service behind moleculer's web gateway, in one process. */
export const moleculer: Peer = {
  name: "moleculer",
  async start() {
    const port = await freePort();
    return await untilServing(
      { port },
      {
        process: startNode(program, [], { ROLE: "all", PORT: `${port}` }),
      },
    );
  },
};

/** Two nodes, linked by moleculer's TCP transporter. The second has the service `work`. */
const twoNodes = (name: string, first: "front" | "gateway"): Peer => ({
  name,
  async start() {
    const port = await freePort();
    const NODES = `127.0.0.1:${await freePort()}/${first},127.0.0.1:${await freePort()}/back`;
    return await untilServing(
      { port },
      {
        [first]: startNode(program, [], { ROLE: first, PORT: `${port}`, NODES }),
        back: startNode(program, [], { ROLE: "back", NODES }),
      },
    );
  },
});

/** A service behind the gateway that calls one in another process. */
export const moleculerTcp: Peer = twoNodes("moleculer, TCP", "front");
/** The gateway calls a service in another process. */
export const moleculerGateway: Peer = twoNodes("moleculer, gateway and TCP", "gateway");
