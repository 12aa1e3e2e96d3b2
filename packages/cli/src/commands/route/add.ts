import { callAdmin } from "../../call-admin.ts";
import { type Command, command } from "../../command.ts";
import { printResult } from "../../output.ts";
import { optional, required } from "../../parameters.ts";

export const addRoute: Command = command({
  name: "add",
  summary: "lead a host name to a service",
  description: "Lead a host name, or a path of it, to a service of the environment.",
  arguments: {
    address: required(
      "a host name, with a path or without one; *.<name> for all names one label below it",
    ),
    service: optional("name of the service; none with *: the label that it stands for names it"),
  },
  notes: `The service gets paths without the one of the route. Of several routes of a name, the longest path wins.
Everything on the name is for the service, except calls below /-/lever/: its pages call methods there.`,
  examples: [
    ["lever route add shop.example.com web"],
    ["lever route add shop.example.com/blog blog", "other paths lead to web as before"],
    ["lever route add '*.apps.example.com'", "web.apps.example.com leads to the service web"],
    ["lever -E prod.lever route add api.example.com api", "a service of another environment"],
  ],
  run: async ({ address, service }, readSettings) => {
    const settings = readSettings();
    await callAdmin(settings, "addRoute", settings.environment, address, service ?? null);
    const to = service ?? "the service that its first label names";
    printResult(`Requests to ${address} go to ${to} in ${settings.environment}.`);
  },
});
