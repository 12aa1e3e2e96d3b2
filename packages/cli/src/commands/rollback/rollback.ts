import type { RollbackReport } from "@leveros/protocol";
import { callAdmin } from "../../call-admin.ts";
import { type Command, command } from "../../command.ts";
import { printResult } from "../../output.ts";
import { jsonFlag, optional, required } from "../../parameters.ts";
import { versionNumber } from "../../version-number.ts";

export const rollback: Command = command({
  name: "rollback",
  summary: "make an older version of a service live again",
  description: "Make an older version of a service the live one again.",
  arguments: {
    service: required("name of the service"),
    version: optional(
      "number of the version (default: the newest before the live one)",
      versionNumber,
    ),
  },
  options: { json: jsonFlag("the report") },
  notes: `Lever starts the version before it receives calls. Instances of the version that was live finish their calls, so
no call fails. If the version does not start, nothing changes. lever ls <service> lists the versions that are kept.`,
  examples: [
    ["lever rollback helloService", "to the version before the live one"],
    ["lever rollback helloService 3", "to version 3, older or newer"],
  ],
  run: async ({ service, version, json }, readSettings) => {
    const settings = readSettings();
    const { environment } = settings;
    const report = await callAdmin(settings, "rollBackService", environment, service, version);
    printResult(json ? JSON.stringify(report) : formatRollback(report));
  },
});

function formatRollback(report: RollbackReport): string {
  const { service, environment, version, previousVersion } = report;
  return version === previousVersion
    ? `Version ${version} of ${service} is live in ${environment} already.`
    : `Version ${version} of ${service} is live in ${environment} again, instead of version ${previousVersion}.`;
}
