import type { CallMark } from "@leveros/host/parts";

/** A call of a resource, as its caller made it. */
export interface SimulatedCall {
  readonly id: number;
  readonly resource: string;
  /** Time of the method. */
  readonly ms: number;
  readonly timeoutMs: number;
}

/** The answer of a host to a call that another host has sent it. */
export type CallOutcome =
  | { readonly kind: "ended"; readonly code: string }
  | {
      readonly kind: "not owner";
      readonly owner: { readonly host: string; readonly incarnation: number } | undefined;
    };

/** A call at one host, as its ledger keeps it. */
export interface HostCall {
  readonly call: SimulatedCall;
  readonly resource: string;
  readonly mark: CallMark;
  redirects: number;
  /** It has waited here for a claim or a release. */
  hasWaited: boolean;
  isOver: boolean;
  readonly onOutcome: (outcome: CallOutcome) => void;
}
