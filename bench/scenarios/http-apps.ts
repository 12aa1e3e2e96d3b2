import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { privateBytes } from "../../packages/host/src/launcher/process/process-memory.ts";
import { instancesOf } from "../../tests/harness/admin.ts";
import { eventually } from "../../tests/harness/eventually.ts";
import { httpCall } from "../../tests/harness/http-call.ts";
import { deployService, testService } from "../../tests/harness/test-service.ts";
import { atLeast, atMost, type Figure, measured, ratios } from "../figure.ts";
import { interleave } from "../interleave.ts";
import { freePort, programPath, startNode } from "../peer.ts";
import { nginxMissing, startNginx } from "../peers/nginx.ts";
import { startWorkerdPage } from "../peers/workerd.ts";
import { type Scenario, startHost } from "../scenario.ts";
import { type WrkResult, wrk } from "../wrk.ts";

const CONNECTIONS = 32;
const FILE_BYTES = 10_000;

interface Way {
  readonly name: string;
  readonly address: string;
  readonly path: string;
  /** The value of the Host header. */
  readonly host: string;
}

const read = (name: string): string => readFileSync(programPath(name), "utf8");

export const httpApps: Scenario = {
  name: "http-apps",
  about:
    "a page by GET over 32 kept connections (wrk): of a function `fetch`, and of a program on `$PORT` in Node; and a file of 10 kB",
  async run(run): Promise<readonly Figure[]> {
    const folder = mkdtempSync(join(tmpdir(), "lever-bench-"));
    const file = randomBytes(FILE_BYTES / 2).toString("hex");
    writeFileSync(join(folder, "file.txt"), file);
    const port = await freePort();
    const program = startNode(programPath("page-server.mjs"), [], { PORT: `${port}` });
    const worker = await startWorkerdPage().catch((error: unknown) => String(error));
    const missing = nginxMissing();
    await using nginx =
      missing === undefined ? await startNginx(serverOf(port, folder)) : undefined;
    await using host = await startHost();
    const one = { minInstances: 1, maxInstances: 1, maxInstanceLoad: 1_000 };
    const pages = { "page.mjs": read("page.mjs"), "server.mjs": read("page-server.mjs") };
    await deployService(host, testService(pages, { name: "page", jsEntry: "page.mjs", ...one }));
    const http = ["node", "server.mjs"];
    await deployService(host, testService(pages, { name: "program", http, ...one }));
    const files = { "public/file.txt": file };
    const onlyFiles = { name: "files", static: "public", jsEntry: null };
    await deployService(host, testService(files, onlyFiles));
    const lever = (name: string, service: string, path = "/"): Way => ({
      name: `Lever, ${name}`,
      address: host.address,
      path,
      host: `${service}.dev.lever.localhost`,
    });
    const peer = (name: string, address: string | undefined, path = "/"): Way[] =>
      address === undefined ? [] : [{ name, address, path, host: address }];
    const ways = [
      lever("fetch", "page"),
      ...peer("node:http", `127.0.0.1:${port}`),
      ...peer("workerd", typeof worker === "string" ? undefined : worker.address),
      lever("program", "program"),
      ...peer("nginx before the program", nginx?.address),
      lever("file", "files", "/file.txt"),
      ...peer("nginx, file", nginx?.address, "/files/file.txt"),
    ];
    try {
      for (const way of ways) {
        await eventually(async () => (await get(way)).status === 200);
        await load(way, 1);
      }
      const results = await interleave(run, ways, (way) => load(way, run.seconds));
      const [instance] = await instancesOf(host, "program");
      const own = privateBytes(instance?.pid ?? 0) / 1e6;
      return [
        ...(missing === undefined ? [] : [measured(`nginx: ${missing}`, 0)]),
        ...(typeof worker === "string" ? [measured(`workerd: ${worker}`, 0)] : []),
        ...figuresOf(ways, results),
        atMost("memory of Lever's process beside the program, MB", own, 30),
      ];
    } finally {
      if (typeof worker !== "string") await worker.program.stop();
      await program.stop();
      rmSync(folder, { recursive: true });
    }
  },
};

/** The same program behind nginx, with as many kept connections as callers, and files that nginx keeps open. */
function serverOf(program: number, folder: string): (port: number) => string {
  return (port) => `upstream program {
      server 127.0.0.1:${program}; keepalive ${CONNECTIONS}; keepalive_requests 1000000;
    }
    server {
      listen 127.0.0.1:${port}; keepalive_requests 1000000;
      location /files/ {
        alias ${folder}/; sendfile on; tcp_nopush on; open_file_cache max=100;
      }
      location / {
        proxy_pass http://program; proxy_http_version 1.1; proxy_set_header connection "";
        proxy_set_header host $host; proxy_set_header x-forwarded-for $remote_addr;
      }
    }`;
}

const get = ({ address, path, host }: Way): ReturnType<typeof httpCall> =>
  httpCall(address, path, { method: "GET", headers: { host } });

const load = ({ address, path, host }: Way, seconds: number): Promise<WrkResult> =>
  wrk({ address, path, host, connections: CONNECTIONS, seconds });

function figuresOf(
  ways: readonly Way[],
  results: ReadonlyMap<Way, readonly WrkResult[]>,
): readonly Figure[] {
  const named = (name: string): readonly WrkResult[] => {
    const way = ways.find((found) => found.name === name);
    return (way && results.get(way)) ?? [];
  };
  const rates = (name: string): number[] => named(name).map(({ perSecond }) => perSecond);
  const compared = (of: string, to: string, limit: number): Figure[] =>
    rates(to).length === 0 ? [] : [atLeast(`${of} / ${to}`, ratios(rates(of), rates(to)), limit)];
  const failed = [...results.values()].flat().reduce((sum, result) => sum + result.failed, 0);
  return [
    ...ways.map(({ name }) =>
      measured(`${name}, requests/s`, rates(name), { chart: "requests a second", label: name }),
    ),
    ...compared("Lever, fetch", "node:http", 0.9),
    ...compared("Lever, fetch", "workerd", 2),
    ...compared("Lever, program", "nginx before the program", 0.8),
    ...compared("Lever, file", "nginx, file", 0.8),
    atMost("failed requests", failed, 0),
  ];
}
