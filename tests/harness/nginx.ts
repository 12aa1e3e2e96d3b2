import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually } from "./eventually.ts";
import { httpCall } from "./http-call.ts";

/** Where Debian installs it. */
const NGINX = "/usr/sbin/nginx";

export interface ReverseProxy extends AsyncDisposable {
  readonly port: number;
}

/** A port of 127.0.0.1 that is free now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("Cannot find a port.");
  return address.port;
}

/** One process of nginx that passes what is below `/svc/` on to a program, over kept connections. */
export async function startReverseProxy(program: number): Promise<ReverseProxy> {
  const folder = mkdtempSync(join(tmpdir(), "lever-nginx-"));
  const file = join(folder, "nginx.conf");
  const port = await freePort();
  const places = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  writeFileSync(
    file,
    `daemon off; master_process off; pid ${folder}/pid; error_log ${folder}/errors;
    events { worker_connections 256; }
    http {
      access_log off;
      ${places.map((place) => `${place}_temp_path ${folder}/${place};`).join(" ")}
      upstream program { server 127.0.0.1:${program}; keepalive 8; }
      server {
        listen 127.0.0.1:${port};
        location /svc/ {
          proxy_pass http://program/; proxy_http_version 1.1; proxy_set_header connection "";
          proxy_ignore_client_abort on;
        }
      }
    }`,
  );
  const nginx: ChildProcess = spawn(NGINX, ["-c", file, "-e", join(folder, "errors")], {
    stdio: "ignore",
  });
  const end = (): void => void nginx.kill("SIGKILL");
  process.once("exit", end);
  await eventually(async () => {
    const answer = await httpCall(`127.0.0.1:${port}`, "/svc/seen", { method: "GET" }).catch(
      () => undefined,
    );
    return answer?.status === 200;
  });
  return {
    port,
    async [Symbol.asyncDispose]() {
      process.off("exit", end);
      nginx.kill("SIGTERM");
      if (nginx.exitCode === null) await once(nginx, "exit");
      rmSync(folder, { recursive: true });
    },
  };
}
