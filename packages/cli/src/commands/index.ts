import type { Command, CommandGroup } from "../command.ts";
import type { CommandSection } from "../program.ts";

type Load = () => Promise<Command | CommandGroup>;

/** Every command by its name, in the order of `lever --help`. */
const sections: readonly { heading: string; commands: Readonly<Record<string, Load>> }[] = [
  {
    heading: "Run a host:",
    commands: {
      up: async () => (await import("./up/up.ts")).up,
      dev: async () => (await import("./dev/dev.ts")).dev,
      doctor: async () => (await import("./doctor/doctor.ts")).doctor,
      status: async () => (await import("./status/status.ts")).status,
      hosts: async () => (await import("./hosts/hosts.ts")).hosts,
      cluster: async () => (await import("./cluster/cluster.ts")).cluster,
      limits: async () => (await import("./limits/limits.ts")).limits,
      backup: async () => (await import("./backup/backup.ts")).backup,
      restore: async () => (await import("./restore/restore.ts")).restore,
    },
  },
  {
    heading: "Deploy and call services:",
    commands: {
      init: async () => (await import("./init/init.ts")).init,
      deploy: async () => (await import("./deploy/deploy.ts")).deploy,
      rollback: async () => (await import("./rollback/rollback.ts")).rollback,
      restart: async () => (await import("./restart/restart.ts")).restart,
      "stop-instance": async () => (await import("./stop-instance/stop-instance.ts")).stopInstance,
      rm: async () => (await import("./rm/rm.ts")).rm,
      invoke: async () => (await import("./invoke/invoke.ts")).invoke,
      stream: async () => (await import("./stream/stream.ts")).stream,
    },
  },
  {
    heading: "See what happens:",
    commands: {
      ls: async () => (await import("./ls/ls.ts")).ls,
      stats: async () => (await import("./stats/stats.ts")).stats,
      ps: async () => (await import("./ps/ps.ts")).ps,
      calls: async () => (await import("./calls/calls.ts")).calls,
      trace: async () => (await import("./trace/trace.ts")).trace,
      profile: async () => (await import("./profile/profile.ts")).profile,
      explain: async () => (await import("./explain/explain.ts")).explain,
      logs: async () => (await import("./logs/logs.ts")).logs,
      events: async () => (await import("./events/events.ts")).events,
      why: async () => (await import("./why/why.ts")).why,
      console: async () => (await import("./console/console.ts")).openConsole,
    },
  },
  {
    heading: "Configure services:",
    commands: {
      env: async () => (await import("./env/env.ts")).env,
      route: async () => (await import("./route/route.ts")).route,
      var: async () => (await import("./var/var.ts")).variable,
      secret: async () => (await import("./secret/secret.ts")).secret,
    },
  },
  {
    heading: "Control access:",
    commands: {
      token: async () => (await import("./token/token.ts")).token,
      login: async () => (await import("./login/login.ts")).login,
      logout: async () => (await import("./logout/logout.ts")).logout,
      whoami: async () => (await import("./whoami/whoami.ts")).whoami,
      audit: async () => (await import("./audit/audit.ts")).audit,
    },
  },
  {
    heading: "Set up this machine:",
    commands: {
      context: async () => (await import("./context/context.ts")).context,
      completion: async () => {
        const { completionOf } = await import("./completion/completion.ts");
        return completionOf({ names: commandNames, load: loadCommand });
      },
      upgrade: async () => (await import("./upgrade/upgrade.ts")).upgrade,
    },
  },
];

/** The names of all commands. */
const commandNames: readonly string[] = sections.flatMap(({ commands }) => Object.keys(commands));

async function loadCommand(name: string): Promise<Command | CommandGroup | undefined> {
  return commandNames.includes(name) ? (await loadCommands(name))[0]?.commands[0] : undefined;
}

/**
 * Loads the command of that name. For any other name, such as `help`, it loads all of them. Loading one instead of all
 * makes a short command start faster.
 */
export async function loadCommands(name: string | undefined): Promise<CommandSection[]> {
  const found = sections.filter(({ commands }) => Object.hasOwn(commands, name ?? ""));
  return await Promise.all(
    (found.length > 0 ? found : sections).map(async ({ heading, commands }) => {
      const loads = Object.entries(commands).filter(([key]) => found.length === 0 || key === name);
      return { heading, commands: await Promise.all(loads.map(([, load]) => load())) };
    }),
  );
}
