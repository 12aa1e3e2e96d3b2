import { spawn } from "node:child_process";
import { once } from "node:events";

/** Installs Debian packages. As another user than root it ends this process with the command to run. */
export async function installDebianPackages(
  names: readonly string[],
  purpose: string,
): Promise<void> {
  if (names.length === 0) return;
  if (process.getuid?.() !== 0) {
    console.error(
      `Cannot ${purpose}: Debian packages are missing. Run: apt-get install ${names.join(" ")}`,
    );
    process.exit(1);
  }
  console.log(`Installing ${names.join(" ")}`);
  // One command, which goes on while the caller does other work.
  const command = 'apt-get update -qq && apt-get install -y -qq "$@"';
  const child = spawn("sh", ["-c", command, "sh", ...names], {
    stdio: ["inherit", "ignore", "inherit"],
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
  });
  const [status] = (await once(child, "close")) as [number | null];
  if (status !== 0) process.exit(status ?? 1);
}
