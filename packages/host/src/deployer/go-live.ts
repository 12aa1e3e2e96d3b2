import { parseHttpResource } from "@leveros/protocol";
import type { Fleet } from "../fleet/fleet.ts";
import type { Instance } from "../fleet/instance.ts";
import type { SiteFiles } from "../router/live-version.ts";
import type { Router } from "../router/router.ts";
import type { VersionRecord } from "../store/store.ts";

/**
 * Makes a version that the store has as live the one that gets calls: first in the routing table, then in the fleet,
 * whose instances of other versions drain. A candidate becomes its first instance.
 */
export function goLive(
  { router, fleet }: { router: Router; fleet: Fleet },
  record: VersionRecord,
  { candidate, files }: { candidate?: Instance | undefined; files?: SiteFiles | undefined } = {},
): void {
  const { environment, service, version, leverJson } = record;
  const route = router.setService(environment, service, {
    version,
    isPrivate: leverJson.private,
    // A separate program does not report its methods: each call finds out.
    methods: leverJson.entry === undefined ? record.methods : undefined,
    httpResource: parseHttpResource(leverJson.httpResource ?? ""),
    httpBodyBytesMax: leverJson.httpBodyBytesMax,
    files,
  });
  fleet.goLive(record, route, candidate);
}
