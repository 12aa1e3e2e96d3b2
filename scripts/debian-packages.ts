import { spawnSync } from "node:child_process";

/** Installs Debian packages. As another user than root it ends this process with the command to run. */
export function installDebianPackages(names: readonly string[], purpose: string): void {
  if (names.length === 0) return;
  if (process.getuid?.() !== 0) {
    console.error(
      `Cannot ${purpose}: Debian packages are missing. Run: apt-get install ${names.join(" ")}`,
    );
    process.exit(1);
  }
  console.log(`Installing ${names.join(" ")}`);
  for (const args of [
    ["update", "-qq"],
    ["install", "-y", "-qq", ...names],
  ]) {
    const { status } = spawnSync("apt-get", args, {
      stdio: ["inherit", "ignore", "inherit"],
      env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
    });
    if (status !== 0) process.exit(status ?? 1);
  }
}
