import type { AskedHost } from "../admin/asked-host.ts";
import type { Peers } from "../peers/peers.ts";
import type { Router } from "../router/router.ts";

/** The hosts of the cluster, as they are asked about themselves: this one first, and the others by name. */
export function askedHosts(
  name: string,
  router: Pick<Router, "open">,
  { list }: Pick<Peers, "list">,
): readonly AskedHost[] {
  const self: AskedHost = { name, isUp: true, open: (...call) => router.open(...call) };
  return [self, ...list.toSorted((one, other) => (one.name < other.name ? -1 : 1))];
}
