import type { RunningLever } from "../../harness/lever.ts";

/** How instances are kept apart. */
export type Mode = "oci" | "process";

/** What an attacker is told of the machine: more than it could find out. */
export interface Facts {
  /** Where the host listens. */
  readonly port: number;
  readonly dataDir: string;
  readonly hostPid: number;
  /** Of the neighbours' instances: in the attacker's environment, and in another. */
  readonly neighbours: readonly string[];
  /** Of a socket that a process of the machine listens on. */
  readonly abstractName: string;
}

/** What an attempt by the test itself has to work with. */
export interface World {
  readonly lever: RunningLever;
  /** Runs a program in the probe's instance; resolves to its answer, or to the code of Lever's refusal. */
  probe(method: "python" | "script", source: string): Promise<string>;
}

/** One way out or across. */
export interface Attempt {
  /** What the attacker does. */
  readonly name: string;
  /** What it would have, had it succeeded. */
  readonly gain: string;
  /** What comes of it in each mode, exactly. A mode that is missing promises nothing. */
  readonly answers: Readonly<Partial<Record<Mode, string>>>;
  /** One of three: in Python in the instance, in JavaScript in the instance, by the test itself. */
  readonly python?: string;
  readonly script?: string;
  readonly from?: (world: World) => Promise<string>;
}

/** Of Lever's own refusals. */
export function codeOf(problem: unknown): string {
  const { code } = problem as { code?: unknown };
  return String(code);
}
