import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { answersOf, type RawAnswer, RawConnection } from "../harness/raw-http.ts";
import { openTestGateway } from "../harness/test-gateway.ts";

/** How bytes are sent to a server. */
interface Sending {
  /** As latin1. */
  readonly text: string;
  /** The bytes are sent in two pieces that meet here. */
  readonly cut: number;
  /** The caller ends its side there, instead of sending the rest and a good request. */
  readonly isCutOff: boolean;
}

/** The readers of HTTP/1.1: the gateway's fast one, Node's as the gateway uses it, and Node's own server. */
export interface Http1Readers extends AsyncDisposable {
  /** Sends the same bytes to all, after a good request. @throws Error that says where they differ. */
  compare(sending: Sending): Promise<void>;
  /** Sends them as the first ones of a connection. @throws Error that says where the gateway and Node differ. */
  compareFirst(sending: Sending): Promise<void>;
}

/** A request as Node's own server has read it. */
interface ReadRequest {
  readonly method: string;
  body: string;
  /** The body has come to its end. */
  isComplete: boolean;
}

interface Outcome {
  readonly answers: readonly RawAnswer[];
  /** Calls that reached the router. */
  readonly calls: readonly string[];
}

const GOOD = "POST /svc/echo HTTP/1.1\r\nhost: dev.lever\r\ncontent-length: 3\r\n";
/** Brings a connection to one of the gateway's readers. */
const FOR_FAST = `${GOOD}\r\n[0]`;
const FOR_NODE = `${GOOD}te: x\r\n\r\n[0]`;
const LAST = `${GOOD}connection: close\r\n\r\n[9]`;

export async function openHttp1Readers(): Promise<Http1Readers> {
  const gateway = await openTestGateway();
  const reference = await openReference();

  const outcomeOf = async (
    first: string,
    sending: Sending,
    methods: string[],
  ): Promise<Outcome> => {
    gateway.calls.length = 0;
    const received = await exchange(gateway.port, first, sending);
    const answers = answersOf(received, methods);
    // A request that its caller has cut off needs no answer. Only Node's server always gives one.
    const last = answers.at(-1)?.body ?? "";
    const isUnneeded =
      last.includes("HPE_INVALID_EOF_STATE") || (sending.isCutOff && last.includes("(HPE_"));
    return { answers: isUnneeded ? answers.slice(0, -1) : answers, calls: [...gateway.calls] };
  };

  return {
    async compare(sending) {
      const requests = await reference.read(FOR_FAST, sending);
      const methods = requests.map(({ method }) => method);
      const fast = await outcomeOf(FOR_FAST, sending, methods);
      const node = await outcomeOf(FOR_NODE, sending, methods);
      checkEqual("the answers", fast.answers.map(shownFully), node.answers.map(shownFully));
      checkEqual("the calls", fast.calls, node.calls);
      checkReading(node.answers, requests);
    },
    async compareFirst(sending) {
      const requests = await reference.read("", sending);
      const methods = requests.map(({ method }) => method);
      checkReading((await outcomeOf("", sending, methods)).answers, requests);
    },
    async [Symbol.asyncDispose]() {
      await gateway[Symbol.asyncDispose]();
      reference.close();
    },
  };
}

/** Sends the bytes over a new connection, and returns the answers to all but the first good request. */
async function exchange(port: number, first: string, sending: Sending): Promise<string> {
  const { text, cut, isCutOff } = sending;
  const connection = new RawConnection(port);
  if (first !== "") {
    await connection.send(first);
    await connection.until(/\[0\]$/);
    connection.received = "";
  }
  await connection.send(text.slice(0, cut));
  await quiet(connection, 2);
  if (!isCutOff) await connection.send(text.slice(cut) + LAST);
  await quiet(connection, 20);
  connection.socket.end();
  await connection.closed;
  return connection.received;
}

/** Resolves when nothing has come for so many turns of the event loop, which the servers share. */
async function quiet(connection: RawConnection, turns: number): Promise<void> {
  let seen = -1;
  for (let turn = 0; turn < turns && !connection.socket.closed; turn++) {
    if (connection.received.length !== seen) turn = 0;
    seen = connection.received.length;
    await new Promise(setImmediate);
  }
}

/** Node's own server, which answers with the body of the request. */
async function openReference() {
  const requests: ReadRequest[] = [];
  const server = createServer({ requireHostHeader: false, shouldUpgradeCallback: () => false });
  const serve = (request: IncomingMessage, response: ServerResponse): void => {
    const read: ReadRequest = { method: request.method ?? "", body: "", isComplete: false };
    requests.push(read);
    request.setEncoding("latin1");
    request.on("error", () => {});
    request.on("data", (chunk: string) => {
      read.body += chunk;
    });
    request.on("end", () => {
      read.isComplete = true;
      response.setHeader("content-length", read.body.length);
      response.end(read.body, "latin1");
    });
  };
  server.on("request", serve).on("checkContinue", serve).on("checkExpectation", serve);
  // The requests before the malformed one end first.
  server.on("clientError", (_error, socket) => setImmediate(() => socket.destroy()));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    async read(first: string, sending: Sending): Promise<ReadRequest[]> {
      requests.length = 0;
      await exchange(port, first, { ...sending, text: withoutUpgrade(sending.text) });
      return requests.slice(first === "" ? 0 : 1);
    },
    close(): void {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** Node's server loses what follows a request for an upgrade, which the gateway ignores. */
function withoutUpgrade(text: string): string {
  return text.replace(/(upgr)a(?=de:)/gi, "$1x");
}

/** A body that may contain a part of such a request. */
function normalized(body: string): string {
  return body.replace(/(upgr)x/gi, "$1a");
}

/**
 * The gateway may refuse what Node reads, and closes the connection then. It must not read what Node does not, read a body
 * otherwise, or lose a request.
 */
function checkReading(answers: readonly RawAnswer[], requests: readonly ReadRequest[]): void {
  for (const [index, answer] of answers.entries()) {
    const request = requests[index];
    if (answer.status !== 200 && answer.head.includes("connection: close")) return;
    // A refusal may come before the body.
    const isRead = request !== undefined && (request.isComplete || answer.status !== 200);
    if (!isRead) throw new Error(`Node does not read what got ${shown(answer)}`);
    if (answer.status === 200) {
      checkEqual("a body", normalized(answer.body), normalized(request.body));
    }
  }
  const isClosed = answers.at(-1)?.head.includes("connection: close") === true;
  const complete = requests.filter(({ isComplete }) => isComplete).length;
  if (isClosed || answers.length >= complete) return;
  throw new Error(`the gateway gives ${answers.length} answers to ${complete} requests`);
}

function checkEqual(name: string, found: unknown, expected: unknown): void {
  const [a, b] = [JSON.stringify(found), JSON.stringify(expected)];
  if (a !== b) throw new Error(`the readers differ in ${name}: ${a} and ${b}`);
}

/** With the fields of its head, in any order. */
function shownFully(answer: RawAnswer): string {
  // The id of a call that succeeds is in an answer by chance.
  const isRefused = answer.status >= 400;
  const ignored = isRefused ? ["date:"] : ["date:", "lever-call:"];
  const [, ...all] = answer.head.split("\r\n");
  const lines = all.filter((line) => !ignored.some((start) => line.startsWith(start)));
  return withoutCall(`${shown(answer)} ${lines.sort().join(" ")}`);
}

function shown({ status, body }: RawAnswer): string {
  return withoutCall(`${status} ${body.slice(0, 300)}`);
}

/** Without the id of a refused call, which is another one for each reader, and without the length that includes it. */
function withoutCall(text: string): string {
  if (!/"call":|lever-call:/.test(text)) return text;
  return text
    .replace(/("call":"|lever-call: )[0-9a-z]+-[0-9a-z]+/g, "$1")
    .replace(/content-length: \d+ /, "");
}
