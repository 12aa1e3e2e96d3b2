import {
  freePort,
  installedPath,
  type Peer,
  programPath,
  startNode,
  untilServing,
} from "../peer.ts";

/** Platformatic's Watt with one Node application. */
export const watt: Peer = {
  name: "wattpm",
  async start() {
    const port = await freePort();
    const program = startNode(
      installedPath("wattpm/bin/cli.js"),
      ["start"],
      { PORT: `${port}` },
      programPath("watt"),
    );
    return await untilServing({ port }, { process: program });
  },
};
