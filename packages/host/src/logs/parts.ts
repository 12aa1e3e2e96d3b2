/**
 * The parts of the host, as the log's field `part` names them: the folders of this package that do something by themselves.
 * `host` is the process as a unit (compose/). scripts/lint/log-parts.ts compares this list with the import table.
 */
export const parts = [
  "host",
  "access",
  "admin",
  "autoscaler",
  "cluster",
  "deployer",
  "environments",
  "fleet",
  "gateway",
  "history",
  "instance-link",
  "keeper",
  "launcher",
  "logs",
  "peers",
  "placement",
  "processes",
  "router",
  "store",
  "traces",
  "workers",
] as const;

export type Part = (typeof parts)[number];
