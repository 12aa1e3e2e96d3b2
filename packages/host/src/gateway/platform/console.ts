import { readdirSync, readFileSync, statSync } from "node:fs";
import { extname, join } from "node:path";
import { LeverError } from "@leveros/protocol";
import type { HttpRequest, HttpResponse } from "../http/exchange.ts";
import { writeProblem, writeResponse } from "../http/write-response.ts";

/** Begins the paths of the console. */
export const CONSOLE_PATH = "/-/console/";

/** The built console (packages/console): `index.html`, and files whose names have a hash of their content. */
const FOLDER = join(import.meta.dirname, "../../../dist/console");
const PAGE = "index.html";
const ASSETS = "assets/";

/** It may load its own files only, and no page may show it in a frame. Texts become no code (Trusted Types). */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join("; ");

const COMMON = {
  "content-security-policy": POLICY,
  "x-content-type-options": "nosniff",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
} as const;

const types: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
};

/** A file as it is, and as the build has compressed it. */
interface ConsoleFile {
  readonly type: string;
  readonly plain: Buffer;
  readonly gzip: Buffer | undefined;
  readonly br: Buffer | undefined;
}

/** Only a host whose console is used keeps its files in memory. */
let files: ReadonlyMap<string, ConsoleFile> = new Map();
/** When the page was built, in milliseconds since 1970. */
let builtAt = 0;

/** Answers a request for the console: a file of it, or its page, which finds out what its address shows. */
export function serveConsole(request: HttpRequest, response: HttpResponse): void {
  const path = (request.url ?? "").split("?", 1)[0]?.slice(CONSOLE_PATH.length) ?? "";
  const isAsset = path.startsWith(ASSETS);
  if (!isAsset || files.size === 0) readNewFiles();
  const file = files.get(isAsset ? path : PAGE);
  if (file === undefined) {
    writeProblem(response, isAsset ? noAsset(path) : notBuilt());
    return;
  }
  const coding = codingOf(request, file);
  const body = (coding && file[coding]) ?? file.plain;
  const headers = {
    "content-type": file.type,
    "content-length": body.length,
    ...(coding !== undefined && { "content-encoding": coding }),
    "cache-control": isAsset ? "public, max-age=31536000, immutable" : "no-cache",
    vary: "accept-encoding",
    ...COMMON,
  };
  if (request.method === "HEAD") {
    response.writeHead(200, headers);
    response.end();
  } else writeResponse(response, { status: 200, headers, body });
}

export function redirectToConsole(_request: HttpRequest, response: HttpResponse): void {
  response.writeHead(302, {
    location: CONSOLE_PATH,
    "content-length": 0,
    "cache-control": "no-store",
  });
  response.end();
}

/** A page that was built again is served at once. */
function readNewFiles(): void {
  const { mtimeMs = 0 } = statSync(join(FOLDER, PAGE), { throwIfNoEntry: false }) ?? {};
  if (mtimeMs === builtAt) return;
  files = readFiles();
  builtAt = mtimeMs;
}

function readFiles(): ReadonlyMap<string, ConsoleFile> {
  const read = (name: string): Buffer => readFileSync(join(FOLDER, name));
  let names: readonly string[] = [];
  try {
    names = readdirSync(FOLDER, { recursive: true, encoding: "utf8" });
  } catch {
    // It was not built.
  }
  const all = new Set(names.map((name) => name.replaceAll("\\", "/")));
  return new Map(
    [...all].flatMap((name) => {
      const type = types[extname(name)];
      if (type === undefined) return [];
      const compressed = (end: string): Buffer | undefined =>
        all.has(name + end) ? read(name + end) : undefined;
      return [[name, { type, plain: read(name), gzip: compressed(".gz"), br: compressed(".br") }]];
    }),
  );
}

function codingOf(
  { headers }: Pick<HttpRequest, "headers">,
  file: ConsoleFile,
): "br" | "gzip" | undefined {
  const accepted = String(headers["accept-encoding"] ?? "");
  return (["br", "gzip"] as const).find(
    (coding) => file[coding] !== undefined && new RegExp(`\\b${coding}\\b(?!;q=0)`).test(accepted),
  );
}

function noAsset(path: string): LeverError {
  return new LeverError(
    "not_found",
    `Cannot find ${path.slice(0, 100)}: the console has no such file, or no longer. Load its page again.`,
  );
}

function notBuilt(): LeverError {
  return new LeverError(
    "not_found",
    "Cannot show the console: its files are not built. Run npm run build in Lever's repository.",
  );
}
