/** Calls a method over HTTP. The answer is the one that every other caller gets, with its status and bytes. */
import { token } from "../../data/session.ts";

export interface CallTarget {
  readonly environment: string;
  readonly service: string;
  /** `""` = none. */
  readonly resource: string;
  readonly method: string;
}

export interface CallAnswer {
  readonly status: number;
  readonly ms: number;
  readonly bytes: number;
  /** The id of the call. */
  readonly call: string | undefined;
  /** The side that failed, if the call did. */
  readonly failed: "method" | "platform" | undefined;
  /** The text of a reply in JSON. */
  readonly text: string | undefined;
  readonly body: Blob;
}

/** Longer replies are not shown, only saved. */
const SHOWN_BYTES_MAX = 256 * 1024;

function callPath({ environment, service, resource, method }: CallTarget): string {
  const names = resource === "" ? [service, method] : [service, ...resource.split("/"), method];
  const path = names.map(encodeURIComponent).join("/");
  return `/${path}?forceenv=${encodeURIComponent(environment)}`;
}

/** `args` = JSON, or bytes as the only argument. @throws TypeError when the host does not answer. */
export async function makeCall(target: CallTarget, args: string | Blob): Promise<CallAnswer> {
  const startedAt = performance.now();
  const isJson = typeof args === "string";
  const response = await fetch(callPath(target), {
    method: "POST",
    headers: {
      "content-type": isJson ? "application/json" : "application/octet-stream",
      "lever-trace": "1",
      ...(token.value !== undefined && { authorization: `Bearer ${token.value}` }),
    },
    body: args,
  });
  const body = await response.blob();
  const ms = performance.now() - startedAt;
  const isText = /json/.test(response.headers.get("content-type") ?? "");
  const failed = response.headers.get("lever-error");
  return {
    status: response.status,
    ms,
    bytes: body.size,
    call: response.headers.get("lever-call") ?? undefined,
    failed: failed === "method" || failed === "platform" ? failed : undefined,
    text: isText && body.size <= SHOWN_BYTES_MAX ? pretty(await body.text()) : undefined,
    body,
  };
}

function pretty(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), undefined, 2);
  } catch {
    return text;
  }
}

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/** The same call for a shell. */
export function asCurl(target: CallTarget, args: string): string {
  const url = window.location.origin + callPath(target);
  const auth = token.value === undefined ? "" : ' -H "authorization: Bearer $LEVEROS_TOKEN"';
  const type = "-H 'content-type: application/json'";
  return `curl ${quoted(url)} ${type}${auth} -d ${quoted(args)}`;
}

/** The same call by the command. */
export function asInvoke(target: CallTarget, args: string, isStream: boolean): string {
  const { environment, service, resource, method } = target;
  const names = [service, ...(resource === "" ? [] : [resource]), method];
  const url = `lever://${environment}/${names.join("/")}`;
  const values = argumentsOf(args).map((value) => ` ${quoted(JSON.stringify(value))}`);
  return `lever ${isStream ? "stream" : "invoke"} ${url}${values.join("")}`;
}

function argumentsOf(text: string): readonly unknown[] {
  try {
    const values: unknown = JSON.parse(text);
    return Array.isArray(values) ? values : [values];
  } catch {
    return [];
  }
}
