import type { EventFilter, LogFilter } from "@leveros/protocol";
import { askHosts } from "../../call-admin.ts";
import { usageError } from "../../exit-status.ts";
import type { Settings } from "../../settings.ts";
import { followEvents, printEvents } from "../events/events.ts";

/** Shows the log of the host itself: its events, of all environments. */
export async function showHostLog(
  settings: Settings,
  { service, version, call, ...filter }: LogFilter,
  {
    follow,
    on,
    json,
  }: { readonly follow: boolean; readonly on: string | undefined; readonly json: boolean },
): Promise<void> {
  if (service !== undefined || version !== undefined || call !== undefined) {
    throw usageError(
      "Cannot show the log of the host: --host goes with no service, --version or --call. Their records are in lever logs without it.",
    );
  }
  const wanted: EventFilter = filter;
  if (follow) {
    return await followEvents(settings, {
      filter: wanted,
      isWanted: () => true,
      on,
      json,
    });
  }
  const found = await askHosts(settings, on, "listEvents", null, null, wanted);
  printEvents(found, { json, ofAll: true });
}
