import type { Scenario } from "../scenario.ts";
import { coldStart } from "./cold-start.ts";
import { deploys } from "./deploys.ts";
import { idleServices } from "./idle-services.ts";
import { kills } from "./kills.ts";
import { overload } from "./overload.ts";
import { resources } from "./resources.ts";
import { silence } from "./silence.ts";
import { stepLoad } from "./step-load.ts";

export const scenarios: readonly Scenario[] = [
  coldStart,
  stepLoad,
  deploys,
  kills,
  silence,
  overload,
  resources,
  idleServices,
];
