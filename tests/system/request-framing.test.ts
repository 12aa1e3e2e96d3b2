// @module-tag needs-nginx
/** No request is framed in one way by the gateway, and in another by the program behind it, beside nginx before the same program. */
import { type ChildProcess, spawn } from "node:child_process";
import { afterAll, beforeAll, expect, it } from "vitest";
import { framingVectors } from "../fuzz/http1-framing.ts";
import { httpCall } from "../harness/http-call.ts";
import { type RunningLever, startLever } from "../harness/lever.ts";
import { freePort, type ReverseProxy, startReverseProxy } from "../harness/nginx.ts";
import { RawConnection } from "../harness/raw-http.ts";
import { deployService, testService } from "../harness/test-service.ts";

/** It remembers the requests that it has read whole. */
const recorder = `
const seen = [];
require("node:http").createServer(async (request, response) => {
  if (request.url === "/seen") return response.end(JSON.stringify(seen.splice(0)));
  let body = "";
  try { for await (const chunk of request) body += chunk.toString("latin1"); } catch { return; }
  seen.push(request.method + " " + request.url + " " + JSON.stringify(body));
  response.end("ok");
}).listen(process.env.PORT, "127.0.0.1");
`;

/** A connection on which nothing happens for so long is closed. A longer time follows if that was too early. */
const SILENCES_MS = [300, 1_500, 6_000];
/** Each vector is followed by this request, which one reader may take for a part of the vector, and the other one not. */
const LAST = "GET /svc/last HTTP/1.1\r\nHost: dev.lever\r\nConnection: close\r\n\r\n";

let lever: RunningLever;
let program: ChildProcess;
let nginx: ReverseProxy;

beforeAll(async () => {
  const port = await freePort();
  const env = { ...process.env, PORT: `${port}` };
  program = spawn(process.execPath, ["-e", recorder], { stdio: "ignore", env });
  [lever, nginx] = await Promise.all([startLever(), startReverseProxy(port)]);
  const http = ["node", "server.cjs"];
  await deployService(lever, testService({ "server.cjs": recorder }, { name: "svc", http }));
}, 60_000);

afterAll(async () => {
  await nginx?.[Symbol.asyncDispose]();
  program?.kill();
  await lever?.stop();
});

interface Passed {
  /** Statuses of the answers that the caller has got. */
  readonly statuses: readonly number[];
  /** The requests that the program has read. */
  readonly seen: readonly string[];
}

async function pass(port: number, text: string, silenceMs: number): Promise<Passed> {
  const connection = new RawConnection(port);
  connection.socket.setTimeout(silenceMs, () => connection.socket.destroy());
  await connection.send(text + LAST);
  await connection.closed;
  const seen = await httpCall(`127.0.0.1:${port}`, "/svc/seen", {
    method: "GET",
    headers: { host: "dev.lever" },
  });
  const heads = connection.received.matchAll(/HTTP\/1\.1 ([2-5]\d\d) /g);
  const statuses = [...heads].map(([, status]) => Number(status));
  return { statuses, seen: seen.json() as string[] };
}

/** True unless both have passed on as many requests, and different ones. Requests that follow each other may be read at once. */
function areAlike(ours: Passed, theirs: Passed): boolean {
  if (ours.seen.length !== theirs.seen.length) {
    // One of them has refused the vector, or the request after it.
    return ours.seen.every((seen) => theirs.seen.includes(seen)) || theirs.seen.length === 0;
  }
  return [...ours.seen].sort().join() === [...theirs.seen].sort().join();
}

it("each request that a program reads is one that the gateway has answered, and nginx passes on alike", async () => {
  const leverPort = Number(lever.address.split(":")[1]);
  let both = 0;
  const different: string[] = [];
  for (const [name, text] of framingVectors) {
    let difference: string | undefined;
    for (const silenceMs of SILENCES_MS) {
      const [ours, theirs] = await Promise.all([
        pass(leverPort, text, silenceMs),
        pass(nginx.port, text, silenceMs),
      ]);
      const answered = ours.statuses.filter((status) => status < 400).length;
      const isGood = ours.seen.length === answered && areAlike(ours, theirs);
      difference = isGood ? undefined : `${name} ${JSON.stringify({ text, ours, theirs })}`;
      if (theirs.seen.length > 1 && ours.seen.length > 1) both++;
      if (isGood) break;
    }
    if (difference !== undefined) different.push(difference);
  }
  expect(different).toEqual([]);
  // The table has requests that both pass on.
  expect(both).toBeGreaterThan(10);
});
