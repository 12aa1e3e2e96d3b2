import { openHttp1Readers } from "../http1-readers.ts";
import { http1Vectors } from "../http1-vectors.ts";
import type { Corpus } from "../mutator.ts";
import { ownMemory } from "../own-memory.ts";
import type { FuzzTarget } from "../target.ts";

/** The readers of HTTP/1.1 against each other: vectors and faulty ones, whole, in two pieces, and cut off. */
export const http1Readers: FuzzTarget = {
  name: "http1-readers",
  async open() {
    const readers = await openHttp1Readers();
    return {
      corpus,
      // They share an event loop with the caller, which waits until nothing moves.
      inputsAtOnce: 1,
      async feed(bytes, choice) {
        const vector = choice(2) === 0 ? http1Vectors[choice(http1Vectors.length)] : undefined;
        const text = vector?.[1] ?? bytes.toString("latin1");
        const mode = choice(4);
        const cut = mode === 0 ? text.length : choice(text.length + 1);
        const sending = { text, cut, isCutOff: mode === 2 };
        // That is HTTP/2, or asks for a WebSocket.
        const isOther = /^P(R|RI.*)?$/s.test(text.slice(0, cut)) || /sec-websocket/i.test(text);
        if (mode === 3 && !isOther) await readers.compareFirst(sending);
        else await readers.compare(sending);
      },
      check: () => readers.compare({ text: "\r\n", cut: 1, isCutOff: false }),
      measure: async () => [await ownMemory()],
      [Symbol.asyncDispose]: () => readers[Symbol.asyncDispose](),
    };
  },
};

const corpus: Corpus = {
  inputs: http1Vectors.map(([, text]) =>
    text.split(/(?<=\n)/).map((line) => Buffer.from(line, "latin1")),
  ),
  words: [
    "\r\n",
    "\n",
    "\r",
    "\0",
    " ",
    "\t",
    "\xa0",
    ":",
    ",",
    ";",
    "0\r\n\r\n",
    "3\r\n[1]\r\n",
    "Content-Length: 3\r\n",
    "Content-Length: 0\r\n",
    "Transfer-Encoding: chunked\r\n",
    "Connection: close\r\n",
    "Host: dev.lever\r\n",
    "Expect: 100-continue\r\n",
    "TE: x\r\n",
    "HTTP/1.0",
    "POST /svc/echo HTTP/1.1\r\nHost: dev.lever\r\nContent-Length: 3\r\n\r\n[1]",
  ],
  encode: (parts) => Buffer.concat(parts),
};
