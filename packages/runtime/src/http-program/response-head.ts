/** The head of a program's answer. */
export interface ProgramHead {
  readonly status: number;
  /** Names in lower case, and values, in turn. */
  readonly fields: readonly string[];
  readonly framing: Framing;
  /** The connection can take another request after the answer. */
  readonly keepsAlive: boolean;
  /** Seconds that the program keeps an idle connection open, as far as it says so. */
  readonly keepAliveSeconds: number | undefined;
}

/** How the end of a body is found (RFC 9112, 6.3). */
type Framing =
  | { readonly kind: "sized"; readonly bytes: number }
  | { readonly kind: "chunked" }
  | { readonly kind: "untilClose" }
  /** Both sides send bytes without a form from here on. */
  | { readonly kind: "upgraded" };

export interface AskedRequest {
  readonly method: string;
  readonly isUpgrade: boolean;
}

/** The answer of a program cannot be read. The message completes "the program's answer cannot be read: …". */
export class MalformedAnswer extends Error {}

const STATUS_LINE = /^HTTP\/1\.([01]) ([1-5]\d\d)(?: .*)?$/;
const NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const LINE_PART = /[\0\r\n]/;
const LENGTH = /^\d{1,15}$/;
const SWITCHING_PROTOCOLS = 101;

/** True for an answer that is not the last one to its request (RFC 9110, 15.2). */
export function isInterim(status: number): boolean {
  return status < 200 && status !== SWITCHING_PROTOCOLS;
}

/**
 * Reads the head of an answer, without the empty line at its end. Everything that two readers could understand differently is an
 * error.
 * @throws MalformedAnswer
 */
export function parseHead(text: string, { method, isUpgrade }: AskedRequest): ProgramHead {
  const [statusLine = "", ...lines] = text.split("\r\n");
  const [, minor, code] = STATUS_LINE.exec(statusLine) ?? [];
  if (code === undefined) {
    throw new MalformedAnswer(`it begins with ${JSON.stringify(statusLine.slice(0, 100))}`);
  }
  const status = Number(code);
  const fields: string[] = [];
  let length: string | undefined;
  let coding: string | undefined;
  let connection = "";
  let keepAlive: string | undefined;
  for (const line of lines) {
    const colon = line.indexOf(":");
    const name = line.slice(0, Math.max(colon, 0)).toLowerCase();
    if (!NAME.test(name)) {
      throw new MalformedAnswer(`it has the header line ${JSON.stringify(line.slice(0, 100))}`);
    }
    const value = trimmed(line, colon + 1);
    if (LINE_PART.test(value)) throw new MalformedAnswer(`its field ${name} has a line end`);
    fields.push(name, value);
    switch (name) {
      case "content-length":
        if (length !== undefined) throw new MalformedAnswer("it has two content-lengths");
        length = value;
        break;
      case "transfer-encoding":
        coding = coding === undefined ? value : `${coding}, ${value}`;
        break;
      case "connection":
        connection += `,${value.toLowerCase()}`;
        break;
      case "keep-alive":
        keepAlive = value;
        break;
    }
  }
  const framing = framingOf({ status, method, isUpgrade, length, coding });
  const options = connection.split(",").map((option) => option.trim());
  const isKept = minor === "1" ? !options.includes("close") : options.includes("keep-alive");
  const [, seconds] = /(?:^|[ ,;])timeout=(\d{1,9})/i.exec(keepAlive ?? "") ?? [];
  return {
    status,
    fields,
    framing,
    keepsAlive: isKept && (framing.kind === "sized" || framing.kind === "chunked"),
    keepAliveSeconds: seconds === undefined ? undefined : Number(seconds),
  };
}

function framingOf(of: {
  status: number;
  method: string;
  isUpgrade: boolean;
  length: string | undefined;
  coding: string | undefined;
}): Framing {
  const { status, method, isUpgrade, length, coding } = of;
  if (status === SWITCHING_PROTOCOLS) {
    if (!isUpgrade) throw new MalformedAnswer("it has the status 101 without a request for it");
    return { kind: "upgraded" };
  }
  if (length !== undefined && !LENGTH.test(length)) {
    throw new MalformedAnswer(`its content-length is ${JSON.stringify(length.slice(0, 100))}`);
  }
  if (coding !== undefined) {
    if (coding.toLowerCase() !== "chunked") {
      throw new MalformedAnswer(
        `its transfer-encoding is ${JSON.stringify(coding.slice(0, 100))}; allowed is chunked`,
      );
    }
    if (length !== undefined) {
      throw new MalformedAnswer("it has a content-length and a transfer-encoding");
    }
  }
  if (method === "HEAD" || status < 200 || status === 204 || status === 304) {
    return { kind: "sized", bytes: 0 };
  }
  if (coding !== undefined) return { kind: "chunked" };
  return length === undefined ? { kind: "untilClose" } : { kind: "sized", bytes: Number(length) };
}

/** The rest of a line without spaces and tabs around it. */
function trimmed(line: string, from: number): string {
  let begin = from;
  let end = line.length;
  while (begin < end && isSpace(line.charCodeAt(begin))) begin++;
  while (end > begin && isSpace(line.charCodeAt(end - 1))) end--;
  return line.slice(begin, end);
}

function isSpace(code: number): boolean {
  return code === 32 || code === 9;
}
