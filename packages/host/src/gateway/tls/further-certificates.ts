import { stat } from "node:fs/promises";
import { createSecureContext, type SecureContext } from "node:tls";
import type { Clock } from "../../clock.ts";
import type { Log } from "../../logs/log.ts";
import { type CertificateFiles, CHECK_EVERY_MS, contextOf, readPair } from "./certificate.ts";
import { byName, namesOf } from "./certificate-names.ts";
import { type CertificateSource, pairsIn } from "./certificate-pairs.ts";

interface Pair {
  readonly files: CertificateFiles;
  /** Changes with the files. */
  seen: string;
  /** undefined = it could not be used so far. */
  used:
    | {
        readonly context: SecureContext;
        readonly names: readonly string[];
        readonly validTo: number;
      }
    | undefined;
}

/** Certificates for host names of their own. Changed files are read again: a pair that cannot be used is logged, and the old one stays. */
export class FurtherCertificates {
  readonly #files: CertificateSource;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #pairs = new Map<string, Pair>();
  #byName: ReadonlyMap<string, SecureContext> = new Map();
  #folderProblem = "";
  #timer: unknown;
  #isClosed = false;

  constructor(files: CertificateSource, { clock, log }: { clock: Clock; log: Log }) {
    this.#files = files;
    this.#clock = clock;
    this.#log = log;
  }

  /** Resolves once all files are read. */
  async open(): Promise<void> {
    await this.#check(false);
    this.#checkLater();
  }

  close(): void {
    this.#isClosed = true;
    this.#clock.clearTimeout(this.#timer);
  }

  /** undefined = none of them has the name. */
  contextFor(host: string): SecureContext | undefined {
    return byName(this.#byName, host);
  }

  #checkLater(): void {
    this.#timer = this.#clock.setTimeout(() => {
      void this.#check(true).finally(() => {
        if (!this.#isClosed) this.#checkLater();
      });
    }, CHECK_EVERY_MS);
  }

  async #check(isLater: boolean): Promise<void> {
    const listed = [...this.#files.pairs, ...(await this.#inFolder())];
    for (const files of listed) {
      if (!this.#pairs.has(files.certFile)) {
        this.#pairs.set(files.certFile, { files, seen: "", used: undefined });
      }
    }
    let hasChanged = false;
    for (const pair of this.#pairs.values()) {
      if (await this.#checkPair(pair, isLater)) hasChanged = true;
    }
    if (hasChanged) this.#byName = this.#chooseByName();
  }

  async #inFolder(): Promise<readonly CertificateFiles[]> {
    const { folder } = this.#files;
    if (folder === undefined) return [];
    try {
      const pairs = await pairsIn(folder);
      this.#folderProblem = "";
      return pairs;
    } catch (error) {
      const reason = `Cannot read the folder ${folder}: ${String(error)}`;
      if (reason !== this.#folderProblem) this.#report(reason, folder);
      this.#folderProblem = reason;
      return [];
    }
  }

  /** True when its certificate is another one now. */
  async #checkPair(pair: Pair, isLater: boolean): Promise<boolean> {
    const { certFile, keyFile } = pair.files;
    const [cert, key] = await Promise.all([stateOf(certFile), stateOf(keyFile)]);
    if (cert === "" && key === "" && !this.#files.pairs.includes(pair.files)) {
      this.#pairs.delete(certFile);
      return true;
    }
    const seen = `${cert} ${key}`;
    if (seen === pair.seen) return false;
    pair.seen = seen;
    try {
      const read = await readPair(pair.files);
      const { names, validTo } = namesOf(read.cert);
      pair.used = { context: createSecureContext(contextOf(read)), names, validTo };
    } catch (error) {
      this.#report(error instanceof Error ? error.message : String(error), certFile);
      return false;
    }
    const { names, validTo } = pair.used;
    if (isLater) {
      const about = { certFile, names: names.join(" "), validTo: new Date(validTo).toISOString() };
      this.#log("info", "gateway", "certificate replaced", about);
    }
    return true;
  }

  #report(reason: string, certFile: string): void {
    this.#log("warn", "gateway", "certificate not replaced", { reason, certFile });
  }

  /** Contexts by host name. The certificate that is valid for longer wins. */
  #chooseByName(): ReadonlyMap<string, SecureContext> {
    const contexts = new Map<string, SecureContext>();
    const used = [...this.#pairs.values()].flatMap((pair) => pair.used ?? []);
    used.sort((a, b) => a.validTo - b.validTo);
    for (const { names, context } of used) for (const name of names) contexts.set(name, context);
    return contexts;
  }
}

/** Changes with the file; `""` = it is not there. */
async function stateOf(file: string): Promise<string> {
  const found = await stat(file).catch(() => undefined);
  return found === undefined ? "" : `${found.ino}:${found.size}:${found.mtimeMs}:${found.ctimeMs}`;
}
