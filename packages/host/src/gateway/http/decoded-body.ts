import zlib from "node:zlib";
import { type BodyBudget, tooManyBodies } from "../body-budget.ts";
import { type Coding, notInCoding } from "./content-coding.ts";
import type { HttpRequest } from "./exchange.ts";

/** The content of a request as its reader gets it: as it arrives, or decoded. */
export interface RequestContent extends Pick<HttpRequest, "on" | "pause" | "resume" | "keep"> {
  /** It has no reader any more. May be called twice. */
  stop?(): void;
}

/** Bytes that are decoded at once. */
const PIECE_BYTES = 64 * 1024;
/** Bytes of a decoder, with what it has been given and what it has decoded. The window of br has up to 16 MiB (RFC 7932). */
const DECODER_BYTES: Readonly<Record<Coding, number>> = {
  gzip: 4 * PIECE_BYTES,
  deflate: 4 * PIECE_BYTES,
  br: 16 * 1024 * 1024 + 4 * PIECE_BYTES,
};

const decoders: Readonly<Record<Coding, () => zlib.Gunzip | zlib.BrotliDecompress>> = {
  gzip: () => zlib.createGunzip({ chunkSize: PIECE_BYTES }),
  deflate: () => zlib.createInflate({ chunkSize: PIECE_BYTES }),
  br: () => zlib.createBrotliDecompress({ chunkSize: PIECE_BYTES }),
};

/**
 * Decodes the body of a request as it arrives, and no faster than its reader takes it: whatever a body becomes when it is
 * decoded, a piece of it is held.
 */
export class DecodedBody implements RequestContent {
  readonly #request: HttpRequest;
  readonly #coding: Coding;
  readonly #budget: BodyBudget;
  readonly #decoder: zlib.Gunzip | zlib.BrotliDecompress;
  #isStopped = false;

  /** @throws LeverError `overloaded` when all calls together hold too many bytes. */
  constructor(request: HttpRequest, coding: Coding, budget: BodyBudget) {
    if (!budget.reserve(DECODER_BYTES[coding])) throw tooManyBodies();
    const decoder = decoders[coding]();
    this.#request = request;
    this.#coding = coding;
    this.#budget = budget;
    this.#decoder = decoder;
    request.on("data", (chunk) => {
      if (this.#isStopped) return;
      const release = request.keep?.();
      if (!decoder.write(chunk, () => release?.())) request.pause();
    });
    request.on("end", () => {
      if (!this.#isStopped) decoder.end();
    });
    decoder.on("drain", () => request.resume());
    // An error that no reader listens for would end the process.
    decoder.on("error", () => {});
  }

  on(event: "data", listener: (chunk: Buffer) => void): void;
  on(event: "end", listener: () => void): void;
  on(event: "error", listener: (error?: Error) => void): void;
  on(
    event: "data" | "end" | "error",
    listener: ((chunk: Buffer) => void) & (() => void) & ((error?: Error) => void),
  ): void {
    if (event !== "error") {
      this.#decoder.on(event, listener);
      return;
    }
    this.#decoder.on("error", (error) => listener(notInCoding(error, this.#coding)));
    this.#request.on("error", listener);
  }

  pause(): void {
    this.#decoder.pause();
  }

  resume(): void {
    this.#decoder.resume();
  }

  stop(): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#budget.release(DECODER_BYTES[this.#coding]);
    this.#decoder.destroy();
  }
}
