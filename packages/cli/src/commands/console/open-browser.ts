/** Opens an address in the user's browser. Without one, nothing happens: the address is printed, too. */
export async function openBrowser(address: string): Promise<void> {
  const { spawn } = await import("node:child_process");
  const [program, ...args] = programOf(process.platform);
  const child = spawn(program, [...args, address], { stdio: "ignore", detached: true });
  child.on("error", () => {});
  child.unref();
}

function programOf(platform: NodeJS.Platform): readonly [string, ...string[]] {
  switch (platform) {
    case "darwin":
      return ["open"];
    case "win32":
      return ["rundll32", "url.dll,FileProtocolHandler"];
    default:
      return ["xdg-open"];
  }
}
