export { type Host, type HostOptions, startHost } from "./host.ts";
export {
  findFences,
  findRequirements,
  type Isolation,
  isolations,
  type Requirement,
} from "./launcher/isolation.ts";
