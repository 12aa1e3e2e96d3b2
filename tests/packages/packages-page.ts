import { packageCases } from "./cases.ts";
import { versionsOf } from "./installed-packages.ts";

/** The text of docs/reference/packages.md. */
export function packagesPage(): string {
  const kinds = Object.entries(packageCases).map(([kind, cases]) => {
    const names = cases.map((of) => `${of.name} ${versionsOf(of)[of.name]}`);
    return `| ${kind} | ${names.join(", ")} |`;
  });
  return `# Packages that are tested

Services with these packages of the npm registry are deployed and called, in processes and in containers, by
\`npm run packages\`. The databases are a real PostgreSQL and a real Redis. [tests/packages](../../tests/packages/cases.ts)
has the code of each service, and what it must answer. Other packages work, too: this is no list of what is allowed.

| kind | packages |
| --- | --- |
${kinds.join("\n")}
`;
}
