import {
  freePort,
  installedPath,
  type Peer,
  programPath,
  startNode,
  untilServing,
} from "../peer.ts";

const main = installedPath("@google-cloud/functions-framework/build/src/main.js");

/** Google's Functions Framework with an HTTP function. */
export const functionsFramework: Peer = {
  name: "functions-framework",
  async start() {
    const port = await freePort();
    const args = [`--source=${programPath("functions.cjs")}`, "--target=work", `--port=${port}`];
    return await untilServing({ port }, { process: startNode(main, args) });
  },
};
