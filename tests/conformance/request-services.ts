import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { CHUNK_BYTES } from "./cases.ts";

/** Two services with the same pages: one answers requests by `fetch`, the other one is a program on a port, with WebSockets. */

/** What the services have counted. */
export interface Counts {
  /** Requests that wait: for `/wake`, or for their callers to leave. */
  readonly waiting: number;
  /** Callers that left before the whole answer was sent. */
  readonly left: number;
  /** Uploads that broke off. */
  readonly broken: number;
  /** Bytes of answers, by the names that their callers gave them. */
  readonly sent: Readonly<Record<string, number>>;
}

const common = `
import { createHash } from "node:crypto";

const counts = { waiting: 0, left: 0, broken: 0, sent: {} };
const asleep = new Map();
const sleep = (name) => {
  counts.waiting++;
  return new Promise((resolve) => asleep.set(name, resolve));
};
const wake = (name) => asleep.get(name)();
const hashOf = async (chunks) => {
  const hash = createHash("sha256");
  try {
    for await (const chunk of chunks) hash.update(chunk);
    return hash.digest("hex");
  } catch (error) {
    counts.broken++;
    throw error;
  }
};
const floodOf = (parameters) => {
  const name = parameters.get("name");
  const chunks = Number(parameters.get("chunks"));
  counts.sent[name] = 0;
  let index = 0;
  return () => {
    if (index === chunks) return undefined;
    counts.sent[name] += ${CHUNK_BYTES};
    return Buffer.alloc(${CHUNK_BYTES}, index++ % 251);
  };
};
`;

const byFetch = `${common}
const pages = {
  "/counts": () => Response.json(counts),
  "/place": (_request, _parameters, { resource }) =>
    Response.json({ instance: process.env.LEVEROS_INSTANCE_ID, resource }),
  "/head": (request) => Response.json({ method: request.method, names: [...request.headers.keys()] }),
  "/echo": (request) => new Response(request.body),
  "/hash": async (request) => {
    counts.waiting++;
    return new Response(await hashOf(request.body));
  },
  "/deaf": async (request, parameters) => {
    await sleep(parameters.get("name"));
    return new Response(await hashOf(request.body));
  },
  "/wake": (_request, parameters) => {
    wake(parameters.get("name"));
    return new Response(null, { status: 204 });
  },
  "/flood": (_request, parameters) => {
    const next = floodOf(parameters);
    return new Response(new ReadableStream({
      pull(controller) {
        const chunk = next();
        if (chunk === undefined) controller.close();
        else controller.enqueue(chunk);
      },
    }));
  },
  "/early": () => new Response("no", { status: 403 }),
  "/wait": (request) => {
    request.signal.addEventListener("abort", () => { counts.left++; });
    return new Response(new ReadableStream({
      start(controller) { controller.enqueue(new TextEncoder().encode("begun")); },
    }));
  },
  "/silent": (request) => {
    counts.waiting++;
    return new Promise((resolve) => {
      request.signal.addEventListener("abort", () => {
        counts.left++;
        resolve(new Response());
      });
    });
  },
  "/breaks": () => new Response(new ReadableStream({
    pull(controller) {
      controller.enqueue(new TextEncoder().encode("begun"));
      controller.error(new Error("broken"));
    },
  })),
};

export function fetch(request, context) {
  const { pathname, searchParams } = new URL(request.url);
  return pages[pathname](request, searchParams, context);
}
`;

const byProgram = `${common}
import { once } from "node:events";
import { createServer } from "node:http";
import { WebSocketServer } from "ws";

const json = (response, value) =>
  response.setHeader("content-type", "application/json").end(JSON.stringify(value));

const pages = {
  "/counts": (_request, response) => json(response, counts),
  "/place": ({ headers }, response) =>
    json(response, { instance: process.env.LEVEROS_INSTANCE_ID, resource: headers["lever-resource"] }),
  "/head": ({ method, headers }, response) => json(response, { method, names: Object.keys(headers) }),
  "/echo": (request, response) => request.pipe(response),
  "/hash": async (request, response) => {
    counts.waiting++;
    response.end(await hashOf(request));
  },
  "/deaf": async (request, response, parameters) => {
    await sleep(parameters.get("name"));
    response.end(await hashOf(request));
  },
  "/wake": (_request, response, parameters) => {
    wake(parameters.get("name"));
    response.writeHead(204).end();
  },
  "/flood": async (_request, response, parameters) => {
    const next = floodOf(parameters);
    for (let chunk = next(); chunk !== undefined; chunk = next()) {
      if (!response.write(chunk)) await once(response, "drain");
    }
    response.end();
  },
  "/early": (_request, response) => response.writeHead(403).end("no"),
  "/refuse": (request, response) => {
    response.writeHead(413, { connection: "close" }).end("no");
    request.socket.destroySoon();
  },
  "/wait": (_request, response) => {
    response.on("close", () => { counts.left++; });
    response.write("begun");
  },
  "/silent": (_request, response) => {
    counts.waiting++;
    response.on("close", () => { counts.left++; });
  },
  "/breaks": (_request, response) => {
    response.write("begun");
    setImmediate(() => response.socket.destroy());
  },
};

const server = createServer((request, response) => {
  const { pathname, searchParams } = new URL(request.url, "http://program");
  Promise.resolve(pages[pathname](request, response, searchParams)).catch(() => response.destroy());
});

const talks = {
  "/echo": (socket) => socket.on("message", (data, isBinary) => {
    if (String(data) === "bye") socket.close(4321);
    else socket.send(data, { binary: isBinary });
  }),
  "/hash": (socket) => {
    const hash = createHash("sha256");
    socket.on("message", (data, isBinary) => {
      if (isBinary) hash.update(data);
      else socket.send(hash.digest("hex"));
    });
  },
  "/deaf": async (socket, parameters) => {
    socket.pause();
    talks["/hash"](socket);
    await sleep(parameters.get("name"));
    socket.resume();
  },
  "/flood": async (socket, parameters) => {
    const next = floodOf(parameters);
    for (let chunk = next(); chunk !== undefined; chunk = next()) {
      await new Promise((resolve) => socket.send(chunk, resolve));
    }
    socket.close();
  },
};
new WebSocketServer({ server }).on("connection", (socket, request) => {
  const { pathname, searchParams } = new URL(request.url, "http://program");
  socket.on("error", () => {});
  socket.on("close", () => { counts.left++; });
  talks[pathname](socket, searchParams);
});
server.listen(process.env.PORT, process.env.HOST);
`;

/** The files of the package `ws`, which has no dependencies. */
function filesOfWs(): Record<string, string> {
  const folder = join(import.meta.dirname, "../../node_modules/ws");
  const code = ["package.json", "index.js", "wrapper.mjs"];
  const paths = [...code, ...readdirSync(join(folder, "lib")).map((name) => `lib/${name}`)];
  const read = (path: string): string => readFileSync(join(folder, path), "utf8");
  return Object.fromEntries(paths.map((path) => [`node_modules/ws/${path}`, read(path)]));
}

export type RequestService = "fetch" | "program";

/** Fields of lever.json and files of each service. Requests with a room go to the instance that owns it. */
export const requestServices: Readonly<
  Record<RequestService, { readonly fields: object; readonly files: Record<string, string> }>
> = {
  fetch: { fields: { jsEntry: "server.mjs" }, files: { "server.mjs": byFetch } },
  program: {
    fields: { http: ["node", "server.mjs"] },
    files: { "server.mjs": byProgram, ...filesOfWs() },
  },
};
