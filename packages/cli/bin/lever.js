#!/usr/bin/env node
// Checks the version of Node before it parses any newer syntax.
const major = Number(process.versions.node.split(".")[0]);
if (major < 24) {
  process.stderr.write(
    `lever: Cannot start: Node ${process.versions.node} is too old. Lever needs Node 24 or newer.\n` +
      "In this repository, npx lever and npm run use a suitable version.\n",
  );
  process.exit(3);
}
await import("#main");
