import {
  isJsonObject,
  type LeverError,
  PAYLOAD_BYTES,
  PAYLOAD_JSON,
  type Payload,
  readSentError,
} from "@leveros/protocol";
import { type CalledAddress, notLever } from "./http-failure.ts";
import { methodFailed } from "./reply-value.ts";

/** A complete HTTP response. */
export interface HttpReply {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Uint8Array;
}

/**
 * Reads a response by the rules of Lever's HTTP API.
 * @throws LeverError the error of the method or of Lever; `unreachable` for a response that is not from Lever.
 */
export function readReply(reply: HttpReply, target: CalledAddress): Payload {
  switch (reply.headers["lever-error"]) {
    case undefined: {
      const payload = reply.status === 200 ? readPayload(reply) : undefined;
      if (payload === undefined) throw notLever(reply.status, target);
      return payload;
    }
    case "method":
      if (contentType(reply) === "application/problem+json") {
        throw readProblem(reply) ?? notLever(reply.status, target);
      }
      throw methodFailed(
        readPayload(reply) ?? { kind: PAYLOAD_BYTES, bytes: reply.body },
        callOf(reply),
      );
    case "platform":
      throw readProblem(reply) ?? notLever(reply.status, target);
    default:
      throw notLever(reply.status, target);
  }
}

/** The id of the call; undefined = an older host sends none. */
function callOf({ headers }: HttpReply): string | undefined {
  const call = headers["lever-call"];
  return typeof call === "string" ? call : undefined;
}

function contentType({ headers }: HttpReply): string | undefined {
  return String(headers["content-type"]).split(";", 1)[0]?.trim().toLowerCase();
}

function readPayload(reply: HttpReply): Payload | undefined {
  switch (contentType(reply)) {
    case "application/json":
      return { kind: PAYLOAD_JSON, bytes: reply.body };
    case "application/octet-stream":
      return { kind: PAYLOAD_BYTES, bytes: reply.body };
    default:
      return undefined;
  }
}

/** Reads a problem (RFC 9457) with Lever's own `code`. */
export function readProblem({ status, headers, body }: HttpReply): LeverError | undefined {
  let problem: unknown;
  try {
    problem = JSON.parse(new TextDecoder().decode(body));
  } catch {
    return undefined;
  }
  if (!isJsonObject(problem)) return undefined;
  const retryAfterSeconds = readRetryAfter(headers["retry-after"]);
  const sent = { ...problem, message: problem["detail"], retryAfterSeconds };
  return readSentError(sent, `Lever responded with status ${status}.`);
}

/** Seconds. Lever does not use the header's other form, a date. */
function readRetryAfter(header: string | string[] | undefined): number | undefined {
  return typeof header === "string" && /^\d{1,9}$/.test(header) ? Number(header) : undefined;
}
