import { callAdmin } from "../../call-admin.ts";
import { type Command, command } from "../../command.ts";
import { printResult } from "../../output.ts";
import { jsonFlag, required } from "../../parameters.ts";

export const stopInstance: Command = command({
  name: "stop-instance",
  summary: "stop an instance",
  description: "Stop an instance, and wait until it has exited.",
  arguments: { instance: required("its id, as lever ps shows it") },
  options: { json: jsonFlag("the report") },
  notes: `The instance gets no new calls, and has 10 s to finish those that it has. Lever starts another one if the service
needs it: for calls, or because of its minInstances.`,
  examples: [["lever stop-instance helloService-3-1f2e3d4c"]],
  run: async ({ instance, json }, readSettings) => {
    const settings = readSettings();
    const { environment } = settings;
    const report = await callAdmin(settings, "stopInstance", environment, instance);
    printResult(json ? JSON.stringify(report) : `Stopped the instance ${instance}.`);
  },
});
