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

/** A service behind the gateway that calls one in another process, over moleculer's TCP transporter. */
export const moleculerTcp: Peer = {
  name: "moleculer, TCP",
  async start() {
    const port = await freePort();
    const NODES = `127.0.0.1:${await freePort()}/front,127.0.0.1:${await freePort()}/back`;
    return await untilServing(
      { port },
      {
        front: startNode(program, [], { ROLE: "front", PORT: `${port}`, NODES }),
        back: startNode(program, [], { ROLE: "back", NODES }),
      },
    );
  },
};
