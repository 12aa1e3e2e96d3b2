import { askHosts } from "../../call-admin.ts";
import { type Command, command } from "../../command.ts";
import { printResult } from "../../output.ts";
import { jsonFlag, onHost, required } from "../../parameters.ts";
import { explainScaling } from "./explain-scaling.ts";

export const explain: Command = command({
  name: "explain",
  summary: "explain the number of instances of a service",
  description:
    "Explain why a service has its current number of instances, and list earlier decisions.",
  arguments: { service: required("name of the service") },
  options: { on: onHost(), json: jsonFlag("the numbers") },
  examples: [
    ["lever explain helloService", "in sentences, with the numbers behind them"],
    ["lever explain helloService --json | jq .now.reason"],
  ],
  run: async ({ service, on, json }, readSettings) => {
    const settings = readSettings();
    const report = await askHosts(settings, on, "explainService", settings.environment, service);
    printResult(json ? JSON.stringify(report) : explainScaling(report));
  },
});
