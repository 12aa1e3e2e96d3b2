#!/usr/bin/env node
// Checks the version of Node before it parses any newer syntax.
const major = Number(process.versions.node.split(".")[0]);
if (major < 24) {
  process.stderr.write(
    `lever: Cannot start: Node ${process.versions.node} is too old. Lever needs Node 24 or newer. Take one for this command:\n` +
      `  npx --yes --package=node@24 --package=@leveros/cli lever ${process.argv.slice(2).join(" ")}`.trimEnd() +
      "\nIn the repository of Lever, npx lever and npm run have a suitable one.\n",
  );
  process.exit(3);
}
await import("#main");
