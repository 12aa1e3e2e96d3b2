import type { ServiceRestart } from "@leveros/protocol";
import { callAdmin } from "../../call-admin.ts";
import { type Command, command } from "../../command.ts";
import { printResult } from "../../output.ts";
import { jsonFlag, required } from "../../parameters.ts";
import { formatCount } from "../../quantity.ts";

export const restart: Command = command({
  name: "restart",
  summary: "replace the instances of a service",
  description:
    "Replace the instances of a service by new ones of the same version, without failing a call.",
  arguments: { service: required("name of the service") },
  options: { json: jsonFlag("the report") },
  notes: `Lever starts a new instance first. The others finish their calls, and stop. If the new one does not start, nothing
changes. A service whose instances fail is tried at once. lever stop-instance stops a single instance.`,
  examples: [["lever restart helloService"]],
  run: async ({ service, json }, readSettings) => {
    const settings = readSettings();
    const report = await callAdmin(settings, "restartService", settings.environment, service);
    printResult(json ? JSON.stringify(report) : formatRestart(report));
  },
});

export function formatRestart({ service, version, replaced, isStarted }: ServiceRestart): string {
  if (!isStarted) return `${service} has no instances: the next call starts one.`;
  if (replaced === 0) return `Started ${service} version ${version}.`;
  const old = formatCount(replaced, "instance", "instances");
  return `Restarted ${service} version ${version}, which replaces ${old}.`;
}
