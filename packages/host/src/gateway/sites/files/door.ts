import { LeverError } from "@leveros/protocol";
import type { SiteFiles } from "../../../router/live-version.ts";
import type { DoorOptions } from "../../door-options.ts";
import { allowReading, answerOptions, readingHeaders } from "../../http/cors.ts";
import { discardBody } from "../../http/discard-body.ts";
import type { HttpRequest, HttpResponse } from "../../http/exchange.ts";
import { acceptsPage, failureParts, writeFailure } from "../failure.ts";
import { SANDBOX } from "../reach.ts";
import type { SiteRequest } from "../site-request.ts";
import { filePath } from "./file-path.ts";
import type { Found } from "./found-file.ts";
import { answerFile } from "./write-file.ts";

const READING = "GET, HEAD, OPTIONS";

interface FileExchange {
  readonly request: HttpRequest;
  readonly response: HttpResponse;
  readonly site: SiteRequest;
  readonly files: SiteFiles;
  readonly options: DoorOptions;
  /** Passes the request to the service's program; undefined = it has none. */
  readonly next: (() => void) | undefined;
  /** Answers with an error. */
  readonly fail: (error: unknown) => void;
}

/**
 * Answers an admitted request with a file of the service, without an instance. A request for which there is no file goes to the
 * service's program.
 * @throws LeverError `forbidden`
 */
export function serveFiles(exchange: FileExchange): void {
  const { request, site, next } = exchange;
  const { method } = request;
  if (method !== "GET" && method !== "HEAD") {
    if (next === undefined) answerOther(exchange);
    else next();
  } else {
    const { path, query } = splitPath(site.path);
    const name = filePath(path);
    if (name === undefined) answerWithout(exchange);
    else {
      const file = name === "" || name.endsWith("/") ? `${name}index.html` : name;
      find(exchange, file, (found) => {
        if (found.kind === "none") answerWithout(exchange);
        else if (found.kind === "file") answer(exchange, found, 200);
        else redirect(exchange, `${site.prefix}${path}/${query}`);
      });
    }
  }
  // A program reads the body itself, also when the file has to be looked up first.
  if (next === undefined) discardBody(request);
}

/** Answers a request that does not read. */
function answerOther({ request, response, site, options }: FileExchange): void {
  const { admission } = options;
  if (request.method !== "OPTIONS") {
    const parts = failureParts(wrongMethod(request.method), request.headers);
    writeFailure(response, parts, { allow: READING });
    return;
  }
  admission.admitPreflight(site.environment, request);
  const origin = admission.readableOrigin(site.environment, request);
  if (origin !== undefined) allowReading(response, origin);
  answerOptions(request, response, READING);
}

/** Passes on what is known at once, so that a file in memory is answered in this turn of the event loop. */
function find(
  { response, files: { folder }, options: { files }, fail }: FileExchange,
  name: string,
  then: (found: Found) => void,
): void {
  const known = files.known(folder, name);
  if (known !== undefined) {
    then(known);
    return;
  }
  files
    .lookUp(folder, name)
    .then((found) => {
      // The caller may have left.
      if (response.destroyed !== true) then(found);
    })
    .catch(fail);
}

/** There is no file: the program answers, or the page of the service for that, or Lever. */
function answerWithout(exchange: FileExchange): void {
  const { request, site, files, next, fail } = exchange;
  if (next !== undefined) {
    next();
    return;
  }
  const missing = new LeverError("not_found", `There is no file ${site.path} in ${site.service}.`);
  if (!acceptsPage(request.headers)) {
    fail(missing);
    return;
  }
  const { fallback } = files;
  find(exchange, fallback ?? "404.html", (found) => {
    if (found.kind === "file") answer(exchange, found, fallback === undefined ? 404 : 200);
    else fail(missing);
  });
}

function answer(exchange: FileExchange, found: Found & { kind: "file" }, status: 200 | 404): void {
  const { request, response, site, options, fail } = exchange;
  const origin = options.admission.readableOrigin(site.environment, request);
  const headers = {
    "x-content-type-options": "nosniff",
    ...(!site.isOwnHost && { "content-security-policy": SANDBOX }),
    ...(origin !== undefined && readingHeaders(origin)),
  };
  answerFile({ request, response, found, status, headers }, options).catch(fail);
}

function redirect({ response }: FileExchange, location: string): void {
  response.writeHead(308, { location, "content-length": 0 });
  response.end();
}

function splitPath(url: string): { readonly path: string; readonly query: string } {
  const mark = url.indexOf("?");
  return mark === -1
    ? { path: url, query: "" }
    : { path: url.slice(0, mark), query: url.slice(mark) };
}

function wrongMethod(method: string | undefined): LeverError {
  return new LeverError(
    "wrong_http_method",
    `Cannot answer ${method}: this path is for files, so allowed is GET.`,
  );
}
