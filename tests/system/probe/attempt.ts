import type { RunningLever } from "../../harness/lever.ts";

/** How instances are kept apart. */
export type Mode = "oci" | "process";

/** The attacker's knowledge of the machine: more than it could find out. */
export interface Facts {
  /** Where the host listens. */
  readonly port: number;
  readonly dataDir: string;
  readonly hostPid: number;
  /** Addresses of the neighbours' instances: in the attacker's environment, and in another. */
  readonly neighbours: readonly string[];
  /** Name of an abstract socket on which a process of the machine listens. */
  readonly abstractName: string;
}

/** The means of an attempt that the test itself makes. */
export interface World {
  readonly lever: RunningLever;
  /** Runs a program in the probe's instance; resolves to its answer, or to the code of Lever's refusal. */
  probe(method: "python" | "script", source: string): Promise<string>;
}

/** One way out or across. */
export interface Attempt {
  /** The attacker's action, after "a hostile service". */
  readonly name: string;
  /** The attacker's gain if it succeeded. */
  readonly gain: string;
  /** The exact outcome in each mode. A missing mode promises nothing. */
  readonly answers: Readonly<Partial<Record<Mode, string>>>;
  /** One of three: in Python in the instance, in JavaScript in the instance, by the test itself. */
  readonly python?: string;
  readonly script?: string;
  readonly from?: (world: World) => Promise<string>;
}

/** The code of Lever's refusal. */
export function codeOf(problem: unknown): string {
  const { code } = problem as { code?: unknown };
  return String(code);
}
