import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { LINK_VERSION } from "@leveros/protocol";
import { type ArchiveEntry, archiveOf } from "../../harness/archive.ts";
import { type HttpAnswer, httpCall } from "../../harness/http-call.ts";
import { type RunningLever, startLever } from "../../harness/lever.ts";
import { deployService } from "../../harness/test-service.ts";
import { codeOf, type Facts, type Mode, type World } from "./attempt.ts";

const SERVICE_DIR = join(import.meta.dirname, "service");
const OTHER_ENVIRONMENT = "other.lever";
/** Time between two calls of the neighbours, which leaves the attempt most of the processor. */
const CALL_EVERY_MS = 5;

const source = (name: string): Buffer => readFileSync(join(SERVICE_DIR, name));

/** A host with a hostile service, and neighbours of it that are called all the time. */
export class ProbedHost {
  readonly lever: RunningLever;
  readonly neighbours: NeighbourCalls;
  readonly #facts: Facts;
  readonly #named: Server;

  private constructor(lever: RunningLever, facts: Facts, named: Server) {
    this.lever = lever;
    this.#facts = facts;
    this.#named = named;
    this.neighbours = new NeighbourCalls(lever.address);
  }

  static async start(mode: Mode): Promise<ProbedHost> {
    const lever = await startLever({ isolation: mode });
    const created = await lever.lever(["env", "create", OTHER_ENVIRONMENT]);
    if (created.status !== 0) throw new Error(created.stderr);
    const files = [{ path: "server.js", body: source("neighbour.js") }];
    await deploy(lever, { name: "neighbour", files });
    await deploy(lever, { name: "neighbour", files, environment: OTHER_ENVIRONMENT });
    await deploy(lever, { name: "vault", files, environment: OTHER_ENVIRONMENT, private: true });
    await deploy(lever, {
      name: "probe",
      files: [
        { path: "server.js", body: source("server.js"), mode: 0o666 },
        { path: "link-version.json", body: String(LINK_VERSION) },
        { path: "prelude.py", body: source("prelude.py"), mode: 0o666 },
        { path: "loose.txt", body: "x", mode: 0o666 },
        { path: "loose/x", body: "x", mode: 0o777 },
      ],
    });
    const abstractName = `lever-probe-${randomBytes(6).toString("hex")}`;
    const named = createServer().listen(`\0${abstractName}`);
    await once(named, "listening");
    const neighbours: string[] = [];
    if (mode === "oci") {
      for (const environment of ["dev.lever", OTHER_ENVIRONMENT]) {
        const answer = await call(lever.address, `/neighbour/address`, { environment });
        neighbours.push(String(answer.json()));
      }
    }
    const facts: Facts = {
      port: Number(lever.address.split(":")[1]),
      dataDir: lever.dataDir,
      hostPid: lever.pid,
      neighbours,
      abstractName,
    };
    return new ProbedHost(lever, facts, named);
  }

  get world(): World {
    return {
      lever: this.lever,
      probe: async (method, program) => {
        const args = [program, this.#facts];
        const answer = await call(this.lever.address, `/probe/${method}`, { args });
        const isPlatform = answer.headers["lever-error"] === "platform";
        return isPlatform ? codeOf(answer.json()) : String(answer.json());
      },
    };
  }

  async stop(): Promise<void> {
    await this.neighbours.stop();
    this.#named.close();
    await this.lever.stop();
  }
}

/** Calls the neighbours over and over, and records wrong answers. */
class NeighbourCalls {
  readonly wrong: string[] = [];
  readonly #address: string;
  readonly #loops: Promise<void>[];
  #isStopped = false;
  #waiting: (() => void)[] = [];

  constructor(address: string) {
    this.#address = address;
    this.#loops = ["dev.lever", OTHER_ENVIRONMENT].map((environment) => this.#loop(environment));
  }

  /** Resolves when each has answered a call that began after this. */
  async answered(): Promise<void> {
    // A call that is under way now does not count.
    for (let answers = 0; answers < 2 * this.#loops.length; answers++) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.all(this.#loops);
  }

  async #loop(environment: string): Promise<void> {
    for (let number = 0; !this.#isStopped; number++) {
      const args = [number];
      const answer = await call(this.#address, "/neighbour/answer", { environment, args }).then(
        ({ status, text }) => `${status} ${text}`,
        String,
      );
      if (answer !== `200 ${number * 2}`) this.wrong.push(`${environment}: ${answer}`);
      const waiting = this.#waiting;
      this.#waiting = [];
      for (const resolve of waiting) resolve();
      await delay(CALL_EVERY_MS);
    }
  }
}

interface Deployed {
  readonly name: string;
  readonly files: readonly ArchiveEntry[];
  readonly environment?: string;
  readonly private?: boolean;
}

async function deploy(lever: RunningLever, service: Deployed): Promise<void> {
  const { name, files, environment = "dev.lever", private: isPrivate = false } = service;
  const leverJson = { name, jsEntry: "server.js", maxInstances: 1, private: isPrivate };
  const entries = [{ path: "lever.json", body: JSON.stringify(leverJson) }, ...files];
  await deployService(lever, archiveOf(entries), environment);
}

function call(
  address: string,
  path: string,
  options: { environment?: string; args?: readonly unknown[] } = {},
): Promise<HttpAnswer> {
  const { environment = "dev.lever", args = [] } = options;
  return httpCall(address, `${path}?forceenv=${environment}`, {
    headers: { "content-type": "application/json" },
    body: JSON.stringify(args),
  });
}
