import { LeverError } from "@leveros/protocol";
import type { DoorOptions } from "../door-options.ts";
import { discardBody } from "../http/discard-body.ts";
import type { HttpRequest, HttpResponse } from "../http/exchange.ts";
import { writeProblem, writeResponse } from "../http/write-response.ts";
import { ownEnvironment } from "../sites/own-host.ts";
import { CONSOLE_PATH, redirectToConsole, serveConsole } from "./console.ts";
import { serveMetrics } from "./metrics.ts";

/** Begins the paths of Lever's own pages. No service can have the name `-`. */
const PREFIX = "/-/";

/** Answers a request for one page. */
type Page = (request: HttpRequest, response: HttpResponse, options: DoorOptions) => void;

const pages: ReadonlyMap<string, Page> = new Map<string, Page>([
  // The process that has the connection answers.
  ["/-/healthy", (request, response) => answerText(request, response, "healthy\n")],
  [
    "/-/ready",
    (request, response, { readiness }) => {
      const { obstacle } = readiness;
      if (obstacle === undefined) answerText(request, response, "ready\n");
      else writeProblem(response, notReady(obstacle));
    },
  ],
  ["/-/metrics", serveMetrics],
  [CONSOLE_PATH.slice(0, -1), redirectToConsole],
]);

/**
 * Answers a GET or HEAD of one of Lever's own pages. They belong to no environment. The first two are open to all. False =
 * the request is for something else.
 * @throws LeverError for a caller who may not see the page.
 */
export function servePlatform(
  request: HttpRequest,
  response: HttpResponse,
  options: DoorOptions,
): boolean {
  const { method, url = "" } = request;
  if (!url.startsWith(PREFIX) || (method !== "GET" && method !== "HEAD")) return false;
  // A page of Lever must not have the origin of a service.
  if (ownEnvironment(request.headers, options.router.sites) !== undefined) return false;
  const path = url.split("?", 1)[0] ?? "";
  const page = pages.get(path) ?? (path.startsWith(CONSOLE_PATH) ? serveConsole : undefined);
  if (page === undefined) return false;
  page(request, response, options);
  discardBody(request);
  return true;
}

/** Leads a person who has opened the host's address to the console. False = the request is for something else. */
export function serveRoot(
  request: HttpRequest,
  response: HttpResponse,
  { admission }: DoorOptions,
): boolean {
  const { method, url, headers } = request;
  if (url !== "/" || (method !== "GET" && method !== "HEAD")) return false;
  if (headers.accept?.includes("text/html") !== true || !admission.isConsoleHost(request)) {
    return false;
  }
  redirectToConsole(request, response);
  discardBody(request);
  return true;
}

function answerText({ method }: HttpRequest, response: HttpResponse, text: string): void {
  const body = Buffer.from(text);
  const headers = {
    "content-type": "text/plain; charset=utf-8",
    "cache-control": "no-store",
    "content-length": body.length,
  };
  if (method === "HEAD") {
    response.writeHead(200, headers);
    response.end();
  } else writeResponse(response, { status: 200, headers, body });
}

function notReady(obstacle: string): LeverError {
  return new LeverError("unavailable", `Cannot take calls: ${obstacle}.`, { retryAfterSeconds: 1 });
}
