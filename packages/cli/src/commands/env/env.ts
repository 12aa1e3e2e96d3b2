import { type CommandGroup, commandGroup } from "../../command.ts";
import { createEnvironment } from "./create.ts";
import { listEnvironments } from "./ls.ts";
import { setNetwork } from "./network.ts";
import { closeEnvironment, openEnvironment } from "./open.ts";
import { removeEnvironment } from "./rm.ts";

export const env: CommandGroup = commandGroup({
  name: "env",
  summary: "manage environments",
  description: "Create, list, change and remove environments.",
  notes: `An environment is a host name with its own services, variables and data. Its private services can be called only
by services of the same environment.`,
  examples: [
    ["lever env create staging.lever"],
    ["lever -E staging.lever deploy ./hello", "deploy a service into it"],
    ["lever env ls"],
    ["lever env open staging.lever", "its services can be called without a token"],
    ["lever env network staging.lever none", "its instances have no network of their own"],
    ["lever env rm staging.lever", "shows what it would remove, and asks"],
  ],
  commands: [
    createEnvironment,
    listEnvironments,
    openEnvironment,
    closeEnvironment,
    setNetwork,
    removeEnvironment,
  ],
});
