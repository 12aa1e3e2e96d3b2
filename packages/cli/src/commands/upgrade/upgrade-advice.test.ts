import { expect, it } from "vitest";
import { upgradeAdvice } from "./upgrade-advice.ts";

it.each([
  ["/usr/local/lib/node_modules/@leveros/cli", "npm install --global @leveros/cli@latest"],
  ["/home/ada/.npm/_npx/12ab/node_modules/@leveros/cli", "npx --yes @leveros/cli@latest <command>"],
  [
    "/home/ada/shop/node_modules/@leveros/cli",
    "npm install --prefix /home/ada/shop @leveros/cli@latest",
  ],
  ["/home/ada/lever/packages/cli", "git pull && npm install"],
  [
    "/opt/lever-0.2.0-linux-x64/lib/node_modules/@leveros/cli",
    "unpack the archive of a newer version, and replace /opt/lever-0.2.0-linux-x64 by it",
  ],
])("a command installed in %s is upgraded so", (folder, advice) => {
  expect(upgradeAdvice(folder)).toBe(advice);
});
