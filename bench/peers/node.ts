import { childrenOf } from "../../tests/harness/child-processes.ts";
import { freePort, type Peer, programPath, startNode, untilServing } from "../peer.ts";

/** Node's own HTTP server doing the work itself, in one process. */
export const bareNode: Peer = {
  name: "node:http",
  async start() {
    const port = await freePort();
    return await untilServing(
      { port },
      { process: startNode(programPath("node-http.js"), [], { PORT: `${port}` }) },
    );
  },
};

/** Two processes of Node that only pass bytes on. */
export const emptyRelay: Peer = pair("empty relay", "relay.js");

/** Two processes of Node that read a call and make it, and do nothing else of what a platform has to do. */
export const leastServer: Peer = pair("least server of two processes", "least-server.js");

function pair(name: string, program: string): Peer {
  return {
    name,
    async start() {
      const port = await freePort();
      const front = startNode(programPath(program), [], { PORT: `${port}` });
      const peer = await untilServing({ port }, { front });
      const [back = Number.NaN] = childrenOf(front.pid);
      return { ...peer, processes: new Map([...peer.processes, ["back", back]]) };
    },
  };
}

/** One Node process that calls another over kept connections. */
export const twoNodes: Peer = {
  name: "two node processes",
  async start() {
    const [port, backPort] = [await freePort(), await freePort()];
    return await untilServing(
      { port },
      {
        front: startNode(programPath("node-front.js"), [], {
          PORT: `${port}`,
          BACK_PORT: `${backPort}`,
        }),
        back: startNode(programPath("node-http.js"), [], { PORT: `${backPort}` }),
      },
    );
  },
};
