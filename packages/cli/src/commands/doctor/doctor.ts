import { homedir } from "node:os";
import { join } from "node:path";
import type { Requirement } from "@leveros/host";
import type { Command } from "commander";
import { printResult } from "../../output.ts";

const HELP = `
Containers need a few programs of the system, and root. Without them Lever runs instances as processes, which keeps
accidents apart but not hostile code.

Examples:
  lever doctor
  lever up --isolation oci      refuse to run anything outside a container`;

export function declareDoctor(program: Command): void {
  program
    .command("doctor")
    .summary("say what this machine has to keep instances apart, and what it lacks")
    .description(
      "Say what this machine has for running instances in containers, or as processes, and what it lacks.",
    )
    .option("--data <dir>", "the folder that lever up is given (default: ~/.lever)")
    .option("--json", "print JSON")
    .addHelpText("after", HELP)
    .action(doctor);
}

async function doctor({ data, json }: { data?: string; json?: true }): Promise<void> {
  const { checkProcessIsolation, checkContainerIsolation } = await import("@leveros/host");
  const requirements = checkContainerIsolation();
  const fences = checkProcessIsolation(data ?? join(homedir(), ".lever"));
  if (json) {
    printResult(JSON.stringify([...requirements, ...fences]));
    return;
  }
  printResult(formatRequirements(requirements));
  printResult(["", "As processes, instances have:", formatList(fences)].join("\n"));
}

function formatRequirements(requirements: readonly Requirement[]): string {
  const isWhole = requirements.every(({ found }) => found !== undefined);
  return [
    formatList(requirements),
    "",
    isWhole
      ? "All is there: lever up runs instances in containers."
      : "Something is missing: lever up runs instances as processes.",
  ].join("\n");
}

function formatList(requirements: readonly Requirement[]): string {
  const width = Math.max(...requirements.map(({ what }) => what.length));
  return requirements
    .map(({ what, found, remedy }) =>
      found === undefined
        ? `missing  ${what.padEnd(width)}  ${remedy}`
        : `ok       ${what.padEnd(width)}  ${found}`,
    )
    .join("\n");
}
