import { callAdmin } from "../../call-admin.ts";
import { type Command, command } from "../../command.ts";
import { printResult } from "../../output.ts";
import { required } from "../../parameters.ts";

export const removeRoute: Command = command({
  name: "rm",
  summary: "remove a route",
  description: "Stop leading a host name, or a path of it, to a service. The service stays.",
  arguments: { address: required("the address, as lever route ls shows it") },
  examples: [["lever route rm shop.example.com/blog"]],
  run: async ({ address }, readSettings) => {
    const settings = readSettings();
    await callAdmin(settings, "removeRoute", settings.environment, address);
    printResult(`Removed the route ${address} of ${settings.environment}.`);
  },
});
