import { type CommandGroup, commandGroup } from "../../command.ts";
import { addRoute } from "./add.ts";
import { listRoutes } from "./ls.ts";
import { removeRoute } from "./rm.ts";

export const route: CommandGroup = commandGroup({
  name: "route",
  summary: "lead host names to services",
  description: "Give services host names of their own, for their pages and their callers.",
  notes: `The name must lead to this host: create an A or AAAA record for it, or let a proxy in front of Lever pass on its
requests with their Host header. A name belongs to one environment: its services share an origin in browsers.`,
  examples: [
    ["lever route add shop.example.com web", "all paths of the name lead to the service web"],
    ["lever route add shop.example.com/blog blog", "of several routes, the longest path wins"],
    ["lever route add '*.apps.example.com'", "web.apps.example.com leads to the service web"],
    ["lever route ls"],
    ["lever route rm shop.example.com/blog"],
  ],
  commands: [addRoute, listRoutes, removeRoute],
});
