import type { Requirement } from "@leveros/host";
import type { Command } from "commander";
import { printResult } from "../output.ts";

const HELP = `
Containers need a few programs of the system, and root. Without them Lever runs instances as processes, which keeps
accidents apart but not hostile code.

Examples:
  lever doctor
  lever up --isolation oci      refuse to run anything outside a container`;

export function declareDoctor(program: Command): void {
  program
    .command("doctor")
    .summary("say what this machine has for containers, and what it lacks")
    .description(
      "Say what this machine has for running instances in containers, and what it lacks.",
    )
    .option("--json", "print JSON")
    .addHelpText("after", HELP)
    .action(doctor);
}

async function doctor({ json }: { readonly json?: true }): Promise<void> {
  const { findRequirements } = await import("@leveros/host");
  const requirements = findRequirements();
  printResult(json ? JSON.stringify(requirements) : formatRequirements(requirements));
}

function formatRequirements(requirements: readonly Requirement[]): string {
  const width = Math.max(...requirements.map(({ what }) => what.length));
  const isWhole = requirements.every(({ found }) => found !== undefined);
  return [
    ...requirements.map(({ what, found, remedy }) =>
      found === undefined
        ? `missing  ${what.padEnd(width)}  ${remedy}`
        : `ok       ${what.padEnd(width)}  ${found}`,
    ),
    "",
    isWhole
      ? "All is there: lever up runs instances in containers."
      : "Something is missing: lever up runs instances as processes.",
  ].join("\n");
}
