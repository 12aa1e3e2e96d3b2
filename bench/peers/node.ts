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

/** What two processes of Node cost when they only pass bytes on: nothing with a process for its instances can be faster. */
export const emptyRelay: Peer = {
  name: "empty relay",
  async start() {
    const port = await freePort();
    return await untilServing(
      { port },
      { front: startNode(programPath("relay.js"), [], { PORT: `${port}` }) },
    );
  },
};

/** The same of two that read the call and make it, and do nothing else of what a platform has to do. */
export const leastServer: Peer = {
  name: "least server of two processes",
  async start() {
    const port = await freePort();
    return await untilServing(
      { port },
      { front: startNode(programPath("least-server.js"), [], { PORT: `${port}` }) },
    );
  },
};

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
