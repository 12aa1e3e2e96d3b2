import type { RestartReport } from "@leveros/protocol";
import { CommandError, exitStatus } from "../exit-status.ts";
import { printNote, printResult } from "../output.ts";

/**
 * Prints what a change of a variable led to.
 * @throws CommandError when a service does not start with the change.
 */
export function reportRestart(
  change: string,
  { isDeployed, restarted, failed }: RestartReport,
  { environment, service }: { environment: string; service: string },
): void {
  printResult(change);
  if (!isDeployed) {
    printNote(
      `${environment} has no service ${service} yet. The change applies when it is deployed. lever ls lists the services.`,
    );
  }
  if (restarted.length > 0) printNote(`Restarted with the change: ${restarted.join(", ")}.`);
  if (failed.length === 0) return;
  const reasons = failed.map(({ service, reason }) => `  ${service}: ${reason}`);
  throw new CommandError(
    exitStatus.lever,
    `Cannot restart every service with the change. These services keep running without it:\n${reasons.join("\n")}`,
  );
}
