import {
  afterClaim,
  decideCall,
  decideMembership,
  type HostRow,
  hostsToFence,
  type Lease,
  type Moment,
  observeHosts,
  renewLease,
  resourceRight,
  TAKE_OVER_AFTER_MS,
} from "@leveros/host/parts";

/** The host's own decisions. A mutation replaces one of them. */
export interface ClusterRules {
  readonly hasKeeper: boolean;
  /** Instances end by themselves when the lease is over. */
  readonly hasTimer: boolean;
  /** The age of a renewal that the database demands of one that fences. */
  readonly takeOverAfterMs: number;
  readonly renewLease: (lease: Lease | undefined, renewal: Lease, receivedAt: Moment) => Lease;
  readonly resourceRight: typeof resourceRight;
  readonly observeHosts: typeof observeHosts;
  readonly hostsToFence: typeof hostsToFence;
  readonly decideMembership: typeof decideMembership;
  readonly decideCall: typeof decideCall;
  readonly afterClaim: typeof afterClaim;
}

export const clusterRules: ClusterRules = {
  hasKeeper: true,
  hasTimer: true,
  takeOverAfterMs: TAKE_OVER_AFTER_MS,
  renewLease,
  resourceRight,
  observeHosts,
  hostsToFence,
  decideMembership,
  decideCall,
  afterClaim,
};

/** Sooner than owners are killed. */
const EARLY_MS = 6_500;

/** Other hosts whose renewal is older than this by the database's clock. */
function olderByDatabase<Row extends HostRow>(
  rows: readonly Row[],
  self: string,
  ms: number,
): readonly Row[] {
  return rows.filter(
    ({ id, state, renewedAgoMs }) => id !== self && state === "active" && renewedAgoMs > ms,
  );
}

/** Weakened rules. The simulation must find each of them, or it is blind. */
export const clusterMutations: Readonly<Record<string, Partial<ClusterRules>>> = {
  "no keeper": { hasKeeper: false },
  "no timer in the runtime": { hasTimer: false },
  "early take-over": {
    takeOverAfterMs: EARLY_MS,
    hostsToFence: ({ seen }, { sentAt, hosts }, self) =>
      olderByDatabase(hosts, self, EARLY_MS).filter(({ id }) => {
        return sentAt.bootMs - (seen.get(id)?.sinceMs ?? sentAt.bootMs) > EARLY_MS;
      }),
  },
  "no second look at the lease after a claim": {
    afterClaim: (claim, answer, when) =>
      answer.kind === "claimed"
        ? { kind: "owned", incarnation: claim.incarnation, epoch: answer.epoch }
        : afterClaim(claim, answer, when),
  },
  "lease counted from the answer": {
    renewLease: (lease, { incarnation }, receivedAt) =>
      renewLease(lease, { incarnation, sentAt: receivedAt }),
  },
  "take-over by the database's clock alone": {
    hostsToFence: (_, { hosts }, self) => olderByDatabase(hosts, self, TAKE_OVER_AFTER_MS),
  },
};
