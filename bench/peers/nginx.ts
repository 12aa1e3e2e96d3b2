import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { KeyPairFiles } from "../../tests/harness/certificates.ts";
import { eventually } from "../../tests/harness/eventually.ts";
import { freePort, startProgram } from "../peer.ts";
import type { EchoServer } from "./echo-servers.ts";

/** Where Debian installs it. */
const PROGRAM = "/usr/sbin/nginx";

/** Why it cannot be measured here; undefined = it can. */
export function nginxMissing(): string | undefined {
  return existsSync(PROGRAM) ? undefined : "not installed; to measure it: apt-get install nginx";
}

/** One process of nginx that answers every request over TLS with the greeting itself. */
export function startNginxTls({ certFile, keyFile }: KeyPairFiles): Promise<EchoServer> {
  return startNginx(
    (port) => `server {
      listen 127.0.0.1:${port} ssl; ssl_certificate ${certFile}; ssl_certificate_key ${keyFile};
      location / { return 200 '"Hello, world!"'; }
    }`,
  );
}

/** One process of nginx with these servers (ngx_http_core_module), of which one listens on the port. */
export async function startNginx(servers: (port: number) => string): Promise<EchoServer> {
  const folder = mkdtempSync(join(tmpdir(), "lever-bench-"));
  const file = join(folder, "nginx.conf");
  const port = await freePort();
  const places = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  writeFileSync(
    file,
    `daemon off; master_process off; pid ${folder}/pid; error_log ${folder}/errors;
    events { worker_connections 1024; }
    http {
      access_log off; default_type application/json;
      ${places.map((place) => `${place}_temp_path ${folder}/${place};`).join(" ")}
      ${servers(port)}
    }`,
  );
  const program = startProgram(PROGRAM, ["-c", file, "-e", join(folder, "errors")]);
  const stop = async (): Promise<void> => {
    await program.stop();
    rmSync(folder, { recursive: true });
  };
  try {
    await Promise.race([eventually(() => isOpen(port)), program.ended]);
  } catch (error) {
    await stop();
    throw error;
  }
  return { address: `127.0.0.1:${port}`, pid: program.pid, [Symbol.asyncDispose]: stop };
}

async function isOpen(port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1");
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
