#!/usr/bin/env node
// Says plainly when Node is too old, before any newer syntax is parsed.
const major = Number(process.versions.node.split(".")[0]);
if (major < 24) {
  process.stderr.write(
    `lever: Cannot start: Node ${process.versions.node} is too old, Lever needs Node 24 or newer.\n` +
      "Inside this repository, npx lever and npm run use the right one by themselves.\n",
  );
  process.exit(3);
}
await import("../dist/main.js");
