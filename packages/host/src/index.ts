export { type Host, type HostOptions, startHost } from "./compose/one-machine.ts";
export {
  findFences,
  findRequirements,
  type Isolation,
  isolations,
  type Requirement,
} from "./launcher/isolation.ts";
