import { once } from "node:events";
import { createServer } from "node:net";

const TRIES = 50;

/** The first port from a number on at which this machine can listen on loopback; 0 = any. */
export async function freePort(from: number): Promise<number> {
  for (let port = from; port < from + TRIES; port++) {
    const found = await tryPort(port);
    if (found !== undefined) return found;
  }
  return await freePort(0);
}

async function tryPort(port: number): Promise<number | undefined> {
  const server = createServer();
  try {
    server.listen({ host: "127.0.0.1", port, exclusive: true });
    await once(server, "listening");
    const address = server.address();
    return typeof address === "object" ? address?.port : undefined;
  } catch {
    return undefined;
  } finally {
    server.close();
  }
}
