/**
 * Ownership of resources over hosts, decided for one resource at a time. All functions are pure.
 *
 * Only a host claims resources for its own instances, and only a transaction decides who owns one. Everything that another
 * host remembers about an owner is a hint: the owner refuses calls of resources that it does not own.
 */
import { type Lease, type Moment, mayOpen, type ResourceRight } from "./lease.ts";
import type { HostRow } from "./membership.ts";

/** A call that was sent to a wrong host this often is refused. */
const REDIRECTS_MAX = 2;

/** A resource as this host knows it. */
export type Ownership =
  | { readonly kind: "unknown" }
  /** Another host owned it when it was last asked for. */
  | { readonly kind: "elsewhere"; readonly host: string; readonly incarnation: number }
  | { readonly kind: "claiming"; readonly incarnation: number }
  | { readonly kind: "owned"; readonly incarnation: number; readonly epoch: number }
  | { readonly kind: "releasing"; readonly incarnation: number; readonly epoch: number };

/** How a call of a resource came to this host. */
export type CallMark =
  /** From its caller. */
  | "first"
  /** Another host has sent it to the owner, which never passes it on. */
  | "at owner"
  /** Another host has chosen this one to own the resource. */
  | "may place";

export type CallDecision =
  /** The host's ledger takes the call. */
  | { readonly kind: "serve" }
  /** The ledger takes the call, and this host claims the resource. */
  | { readonly kind: "claim" }
  /** The ledger takes the call until a claim or a release is answered; then it is decided again. */
  | { readonly kind: "wait" }
  | { readonly kind: "pass on"; readonly to: string; readonly mark: "at owner" | "may place" }
  /** Goes back to the host that sent the call, which decides again. */
  | { readonly kind: "not owner" }
  /** The caller gets 503. */
  | { readonly kind: "refuse" };

export interface HostChoice {
  readonly self: string;
  readonly right: ResourceRight;
  /** This host claims no more resources. */
  readonly isDraining: boolean;
  /** The host for a resource without a known owner. undefined = no host may own one now. */
  readonly chosen: string | undefined;
}

export interface ResourceCall {
  readonly mark: CallMark;
  /** Hosts that have answered *not owner*. */
  readonly redirects: number;
  /** It has waited here for a claim or a release. */
  readonly hasWaited: boolean;
}

export function decideCall(
  ownership: Ownership,
  { mark, redirects, hasWaited }: ResourceCall,
  { self, right, isDraining, chosen }: HostChoice,
): CallDecision {
  switch (ownership.kind) {
    case "owned":
      return { kind: right === "own" ? "serve" : "refuse" };
    case "claiming":
    case "releasing":
      return { kind: "wait" };
    case "elsewhere":
    case "unknown":
  }
  const mayClaim = right === "own" && !isDraining;
  if (mark === "at owner") return { kind: "not owner" };
  if (mark === "may place") {
    // A hint may be old, so the first thing is a claim.
    const isRefused = hasWaited && ownership.kind === "elsewhere";
    return { kind: mayClaim && !isRefused ? "claim" : "not owner" };
  }
  if (redirects > REDIRECTS_MAX) return { kind: "refuse" };
  if (ownership.kind === "elsewhere") {
    return { kind: "pass on", to: ownership.host, mark: "at owner" };
  }
  if (chosen === undefined) return { kind: "refuse" };
  if (chosen !== self) return { kind: "pass on", to: chosen, mark: "may place" };
  return { kind: mayClaim ? "claim" : "refuse" };
}

/** The database's answer to a claim. */
export type ClaimAnswer =
  | { readonly kind: "claimed"; readonly epoch: number }
  | {
      readonly kind: "owned";
      readonly host: string;
      readonly incarnation: number;
      readonly epoch: number;
    }
  /** The incarnation that claimed is over. */
  | { readonly kind: "notActive" }
  /** No answer came in time. The claim may still be carried out: `rowsToRelease` finds it then. */
  | { readonly kind: "unknown" };

/** The resource after a claim. A claimed resource that may not be opened is released. */
export function afterClaim(
  { incarnation }: { readonly incarnation: number },
  answer: ClaimAnswer,
  { lease, now }: { readonly lease: Lease | undefined; readonly now: Moment },
): Ownership {
  switch (answer.kind) {
    case "claimed": {
      const { epoch } = answer;
      const kind = mayOpen(lease, { incarnation }, now) ? "owned" : "releasing";
      return { kind, incarnation, epoch };
    }
    case "owned":
      return { kind: "elsewhere", host: answer.host, incarnation: answer.incarnation };
    case "notActive":
    case "unknown":
      return { kind: "unknown" };
  }
}

/** The resource after this host has seen the rows of hosts: an incarnation that is over owns nothing. */
export function afterHostsSeen(ownership: Ownership, hosts: readonly HostRow[]): Ownership {
  if (ownership.kind !== "elsewhere") return ownership;
  const isActive = hosts.some(
    ({ id, incarnation, state }) =>
      id === ownership.host && incarnation === ownership.incarnation && state === "active",
  );
  return isActive ? ownership : { kind: "unknown" };
}

/** A row that names this host and its incarnation as an owner. */
export interface OwnedRow {
  readonly resource: string;
  readonly epoch: number;
}

/**
 * Rows of this host that it does not know: of claims without an answer, and of releases that were lost. A resource that it
 * owns is never among them, also when the row has a higher epoch: a claim without an answer was carried out late, and its
 * row protects the owner until the resource is given back.
 */
export function rowsToRelease(
  rows: readonly OwnedRow[],
  ownershipOf: (resource: string) => Ownership,
): readonly OwnedRow[] {
  return rows.filter(({ resource }) => {
    const { kind } = ownershipOf(resource);
    return kind === "unknown" || kind === "elsewhere";
  });
}
