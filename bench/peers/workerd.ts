import {
  installedPath,
  type Peer,
  type Program,
  programPath,
  startProgram,
  untilPort,
  untilServing,
} from "../peer.ts";

const binary = installedPath(`@cloudflare/workerd-${process.platform}-64/bin/workerd`);

/** A worker, reached by itself or through another worker's service binding. */
const workerdAt = (name: string, socket: "direct" | "binding"): Peer => ({
  name,
  async start() {
    const args = ["serve", "--control-fd=1", programPath("workerd.capnp")];
    const program = startProgram(binary, args);
    const port = await untilPort(program, `"socket":"${socket}","port":`);
    return await untilServing({ port }, { process: program });
  },
});

/** A worker that answers each request with a page. */
export async function startWorkerdPage(): Promise<{ program: Program; address: string }> {
  const args = ["serve", "--control-fd=1", programPath("workerd-page.capnp")];
  const program = startProgram(binary, args);
  const port = await untilPort(program, '"socket":"page","port":');
  return { program, address: `127.0.0.1:${port}` };
}

export const workerd: Peer = workerdAt("workerd", "direct");
export const workerdBinding: Peer = workerdAt("workerd, service binding", "binding");
