export { type Host, type HostOptions, startHost } from "./compose/one-machine.ts";
export {
  checkProcessIsolation,
  findRequirements,
  type Isolation,
  isolations,
  type Requirement,
} from "./launcher/isolation.ts";
