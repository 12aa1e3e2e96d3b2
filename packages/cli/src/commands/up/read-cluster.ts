import type { HostOptions } from "@leveros/host";
import { usageError } from "../../exit-status.ts";
import { longName } from "../../program.ts";

interface ClusterFlags {
  readonly cluster: string | undefined;
  readonly clusterKey: string | undefined;
  readonly hostName: string | undefined;
  readonly found: boolean;
  readonly discardLocal: boolean;
  readonly newIdentity: boolean;
  readonly newDatabase: boolean;
  readonly peerBind: PeerBind | undefined;
  readonly peerAddress: string | undefined;
}

interface PeerBind {
  readonly bind: string;
  readonly port: number;
}

/** A name or an IPv4 address, or an IPv6 address in brackets, and a port. */
const ADDRESS = /^(?:\[([0-9A-Fa-f:.]+)\]|([^[\]:\s]+))(?::(\d{1,5}))?$/;

/** undefined = it is no address. */
export function parsePeerBind(text: string): PeerBind | undefined {
  const [match, bracketed, plain, port = "0"] = ADDRESS.exec(text) ?? [];
  const bind = bracketed ?? plain;
  if (match === undefined || bind === undefined || Number(port) > 65_535) return undefined;
  return { bind, port: Number(port) };
}

/** undefined = it is no address with a port. */
export function parsePeerAddress(text: string): string | undefined {
  const port = parsePeerBind(text)?.port ?? 0;
  return port > 0 ? text : undefined;
}

/** Names that people and tables can read. */
const HOST_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;

/** undefined = the host is the only one. @throws CommandError */
export function readCluster(flags: ClusterFlags): HostOptions["cluster"] {
  const { cluster, clusterKey, hostName, found, discardLocal, newIdentity } = flags;
  const { newDatabase, peerBind, peerAddress } = flags;
  if (cluster === undefined) {
    const ofCluster = { clusterKey, hostName, found, discardLocal, newIdentity };
    const others = { ...ofCluster, newDatabase, peerBind, peerAddress };
    const alone = Object.entries(others).find(
      ([, value]) => value !== undefined && value !== false,
    );
    if (alone === undefined) return undefined;
    throw usageError(
      `Cannot use ${longName(alone[0])} without --cluster: it is for hosts that are one Lever.`,
    );
  }
  if (clusterKey === undefined) {
    throw usageError(
      "Cannot join a cluster without its key: --cluster-key is missing. For a new cluster, make one with: lever cluster key new > cluster.key",
    );
  }
  if (found && discardLocal) {
    throw usageError(
      "Cannot use --found and --discard-local together: a cluster is founded with what this host has.",
    );
  }
  if (hostName !== undefined && !HOST_NAME.test(hostName)) {
    throw usageError(
      `Cannot use ${JSON.stringify(hostName)} as --host-name: allowed are letters, digits, ".", "_" and "-", at most 63, and a letter or digit first.`,
    );
  }
  return {
    urls: databaseUrls(cluster),
    keyFile: clusterKey,
    hostName,
    founds: found,
    discardsLocal: discardLocal,
    isNewIdentity: newIdentity,
    isNewDatabase: newDatabase,
    peerBind,
    peerAddress,
  };
}

/** The URLs of the option --cluster. */
export function databaseUrls(cluster = ""): readonly string[] {
  return cluster.split(",").filter((url) => url !== "");
}
