/**
 * Deploys a service for each package of tests/packages/cases.ts, to a host with processes and one with containers, and
 * checks what it answers: `npm run packages`, or `npm run packages -- pg sharp` for some of them. Installs the packages,
 * and PostgreSQL and Redis, which listen on loopback until the end.
 */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { adminOf } from "../tests/harness/admin.ts";
import { type RunningLever, startLever, stopAllLevers } from "../tests/harness/lever.ts";
import { packagesMissing } from "../tests/harness/requirements.ts";
import { packageCases } from "../tests/packages/cases.ts";
import { checkCase } from "../tests/packages/check-case.ts";
import { DatabaseServers, databasePackagesMissing } from "../tests/packages/database-servers.ts";
import { installPackages, versionsOf } from "../tests/packages/installed-packages.ts";
import type { PackageCase } from "../tests/packages/package-case.ts";
import { archiveOfCase } from "../tests/packages/service-archive.ts";
import { installDebianPackages } from "./debian-packages.ts";

const ISOLATIONS = ["process", "oci"] as const;
/** Some packages have a thousand modules, which a busy machine loads slowly. */
const START_TIMEOUT_MS = 120_000;

const names = process.argv.slice(2);
const all = Object.values(packageCases).flat();
const unknown = names.filter((name) => !all.some((of) => of.name === name));
if (unknown.length > 0) {
  console.error(`Cannot test ${unknown.join(", ")}: tests/packages has no such package.`);
  process.exit(2);
}
if (process.getuid?.() !== 0) {
  console.error("Cannot run services in containers: this needs root.");
  process.exit(1);
}
await installDebianPackages(
  [...packagesMissing(), ...databasePackagesMissing()],
  "test the packages",
);
console.log("Installing packages of the registry");
await installPackages();
const built = spawnSync("npm", ["run", "--silent", "build"], {
  cwd: join(import.meta.dirname, ".."),
  stdio: "inherit",
});
if (built.status !== 0) process.exit(1);
process.env["LEVER_TEST_DIST"] = "1";

interface Outcome {
  readonly ms: number;
  readonly failure?: string;
}

async function outcomeOf(lever: RunningLever, of: PackageCase, archive: Buffer): Promise<Outcome> {
  const startedAt = performance.now();
  const ms = (): number => Math.round(performance.now() - startedAt);
  try {
    await checkCase(lever, of, archive);
    return { ms: ms() };
  } catch (error) {
    return { ms: ms(), failure: error instanceof Error ? error.message : String(error) };
  }
}

async function startHost(
  isolation: (typeof ISOLATIONS)[number],
  databases: DatabaseServers,
): Promise<RunningLever> {
  const args = ["--limit", `startTimeoutMs=${START_TIMEOUT_MS}`];
  const lever = await startLever({ isolation, args });
  for (const [name, value] of Object.entries(databases.variables)) {
    await adminOf(lever).invoke("setVariable", "dev.lever", "", name, value);
  }
  if (isolation === "oci") {
    await adminOf(lever).invoke("setNetwork", "dev.lever", databases.destinations);
  }
  return lever;
}

for (const signal of ["SIGINT", "SIGTERM"]) {
  // The databases end with this process.
  process.once(signal, () => void stopAllLevers().finally(() => process.exit(1)));
}
const failures: string[] = [];
const rows: string[][] = [["package", "version", ...ISOLATIONS, "ms"]];
try {
  await using databases = await DatabaseServers.start();
  const hosts = await Promise.all(ISOLATIONS.map((isolation) => startHost(isolation, databases)));
  for (const of of all) {
    if (names.length > 0 && !names.includes(of.name)) continue;
    const archive = await archiveOfCase(of);
    const outcomes: Outcome[] = [];
    for (const host of hosts) outcomes.push(await outcomeOf(host, of, archive));
    const cells = outcomes.map(({ failure }) => (failure === undefined ? "ok" : "FAIL"));
    const ms = outcomes.map((outcome) => outcome.ms).join(" / ");
    rows.push([of.name, versionsOf(of)[of.name] ?? "", ...cells, ms]);
    console.log(rows.at(-1)?.join("  "));
    outcomes.forEach(({ failure }, at) => {
      if (failure === undefined) return;
      failures.push(`${ISOLATIONS[at]}: ${failure}`);
      console.log(failures.at(-1));
    });
  }
} finally {
  await stopAllLevers();
}

const widths = rows[0]?.map((_, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0))) ?? [];
console.log();
for (const row of rows) console.log(row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join("  "));
console.log(["", ...failures].join("\n"));
console.log(
  `${rows.length - 1} packages in ${ISOLATIONS.length} isolations, ${failures.length} failed`,
);
process.exitCode = failures.length === 0 ? 0 : 1;
