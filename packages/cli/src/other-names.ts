import { commandIndex } from "./command-line.ts";

/** Names that people try first, and the commands that they are. */
const ALIASES: Readonly<Record<string, string>> = {
  call: "invoke",
  delete: "rm",
  list: "ls",
  remove: "rm",
};

/** Names of other programs, and the commands that do that here. */
const MEANINGS: Readonly<Record<string, string>> = {
  build: "deploy",
  config: "var",
  create: "init",
  destroy: "rm",
  get: "ls",
  health: "status",
  inspect: "dev --inspect <service>",
  instances: "ps",
  kill: "stop-instance",
  log: "logs",
  metrics: "stats",
  new: "init",
  publish: "deploy",
  push: "deploy",
  run: "dev",
  scale: "explain",
  secrets: "secret",
  serve: "up",
  server: "up",
  services: "ls",
  set: "var set",
  start: "up",
  stop: "stop-instance",
  tail: "logs --follow",
  top: "stats --watch",
  undeploy: "rm",
  update: "deploy",
  users: "token ls",
  vars: "var",
  versions: "ls <service>",
  watch: "dev",
};

/** The words of a command line with the name of the command where an alias of it stands. */
export function withoutAlias(argv: readonly string[]): readonly string[] {
  const at = commandIndex(argv);
  const name = argv[at] ?? "";
  return Object.hasOwn(ALIASES, name) ? argv.with(at, ALIASES[name] ?? name) : argv;
}

/** The command that someone means who uses this name of another program; undefined = none is known. */
export function commandMeant(name: string | undefined): string | undefined {
  return name !== undefined && Object.hasOwn(MEANINGS, name) ? MEANINGS[name] : undefined;
}

/** Every name that is not that of a command. */
export const otherNames: readonly string[] = [...Object.keys(ALIASES), ...Object.keys(MEANINGS)];
/** Every command that another name leads to. */
export const namedCommands: readonly string[] = [
  ...Object.values(ALIASES),
  ...Object.values(MEANINGS),
];
