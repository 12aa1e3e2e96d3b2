import type { PlantedFault } from "./planted-fault.ts";

/** The list of planted faults as a Markdown page: tests/mutation/README.md. */
export function faultTable(faults: readonly PlantedFault[]): string {
  const rows = faults.map(({ name, file, caughtBy }) => {
    const finders = caughtBy.map((catcher) => catcher.replace(/^.*\//, "")).join(", ");
    return `| ${name} | ${file.replace("/src/", "/")} | ${finders} |`;
  });
  return `# Planted faults

\`npm run mutate\` plants each of these faults in a copy of the repository, one at a time, and runs what must find it:
the simulation (\`npm run simulate\`) or a file of unit tests. A fault that is not found is a hole in the tests.

The faults are texts of source files and their replacements (\`faults/\`). A change of such a text changes its row there;
\`npm run check\` names it. \`npm run mutate -- --only ledger\` plants some of them, \`-- --table\` writes this page.

| fault | file | found by |
| --- | --- | --- |
${rows.join("\n")}
`;
}
