import { askHosts } from "../../call-admin.ts";
import { type Command, command } from "../../command.ts";
import { CommandError, exitStatus } from "../../exit-status.ts";
import { printNote, printResult } from "../../output.ts";
import { jsonFlag, onHost, optional } from "../../parameters.ts";
import { formatService, formatServices } from "./format-listings.ts";
import { parseListings } from "./parse-listings.ts";

export const ls: Command = command({
  name: "ls",
  summary: "list services",
  description: "List the services of an environment, or show one service in detail.",
  arguments: { service: optional("name of a service") },
  options: { on: onHost(), json: jsonFlag("the list") },
  examples: [
    ["lever ls", "the services of this environment"],
    ["lever ls helloService", "the methods, addresses, versions and instances of one service"],
    ["lever -E prod.lever ls", "the services of another environment"],
    ["lever -E admin.lever ls admin", "the methods that manage Lever itself"],
    ["lever ls --json | jq '.[].service'"],
  ],
  run: async ({ service, on, json }, readSettings) => {
    const settings = readSettings();
    const { environment } = settings;
    const all = parseListings(await askHosts(settings, on, "listServices", environment));
    const listings = service === undefined ? all : all.filter((one) => one.service === service);
    if (service !== undefined && listings.length === 0) {
      const names = all.length === 0 ? "none" : all.map((one) => one.service).join(", ");
      throw new CommandError(
        exitStatus.lever,
        `Cannot show the service ${service}: it is not deployed in ${environment}. Deployed are: ${names}.`,
      );
    }
    const [first] = listings;
    if (json) printResult(JSON.stringify(listings));
    else if (first === undefined) {
      printNote(
        `There are no services in ${environment} yet. Deploy a folder that has a lever.json:\n  lever ${settings.flags}deploy <dir>`,
      );
    } else if (service === undefined) printResult(formatServices(listings, Date.now()));
    else printResult(formatService(first, Date.now(), settings.hostUrl));
  },
});
