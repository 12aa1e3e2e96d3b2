import type { ServiceListing } from "@leveros/protocol";
import { confirm } from "../../ask.ts";
import { callAdmin } from "../../call-admin.ts";
import { type Command, command } from "../../command.ts";
import { printResult } from "../../output.ts";
import { flag, jsonFlag, required, value } from "../../parameters.ts";
import { formatCount } from "../../quantity.ts";
import type { Settings } from "../../settings.ts";
import { versionNumber } from "../../version-number.ts";

export const rm: Command = command({
  name: "rm",
  summary: "remove a service, or one of its versions",
  description:
    "Remove a service with its versions, variables, secrets, data and logs, or one version that is not live.",
  arguments: { service: required("name of the service") },
  options: {
    version: value("<n>", "remove only this version, which must not be live", versionNumber),
    keepData: flag(
      "keep its data, variables, secrets and logs for a later deploy of the same name",
    ),
    yes: flag("remove it without asking"),
    json: jsonFlag("the report"),
  },
  notes: `It shows what it would remove, and asks. Where nobody can answer, as in a script, it needs --yes.
Calls that the service has get 10 s to finish. New calls fail with unknown_service. A removal cannot be undone.
A later deploy of the same name goes on with the next version number.`,
  examples: [
    ["lever rm helloService", "shows what it would remove, and asks"],
    ["lever rm helloService --yes --keep-data", "in a script; the data stays"],
    ["lever rm helloService --version 3", "a version that is not live"],
  ],
  run: async ({ service, version, keepData, yes, json }, readSettings) => {
    const settings = readSettings();
    const { environment } = settings;
    await confirm(
      version === undefined
        ? `This removes ${await describeService(settings, service, { keepData })}.`
        : `This removes version ${version} of ${service} in ${environment}.`,
      { isSure: yes },
    );
    const report =
      version === undefined
        ? await callAdmin(settings, "removeService", environment, service, { keepData })
        : await callAdmin(settings, "removeVersion", environment, service, version);
    const removed = version === undefined ? service : `version ${version} of ${service}`;
    printResult(json ? JSON.stringify(report) : `Removed ${removed} from ${environment}.`);
  },
});

async function describeService(
  settings: Settings,
  service: string,
  { keepData }: { keepData: boolean },
): Promise<string> {
  const { environment } = settings;
  const listings = await callAdmin(settings, "listServices", environment);
  const listing = listings.find((of) => of.service === service);
  // The host refuses the removal with the reason.
  const what = listing === undefined ? "" : ` with ${describeContent(listing)}`;
  const data = keepData
    ? ". Its data, variables, secrets and logs stay"
    : ", and its data, variables, secrets and logs";
  return `${service} from ${environment}${what}${data}`;
}

export function describeContent({
  versions,
  instances,
}: Pick<ServiceListing, "versions" | "instances">): string {
  const kept = formatCount(versions.length, "version", "versions");
  return `${kept} and ${formatCount(instances.length, "instance", "instances")}`;
}
