import { globSync } from "node:fs";

export interface PageSection {
  readonly heading: string;
  /** Paths of Markdown files, from the repository's root. */
  readonly paths: readonly string[];
}

const FIRST: readonly PageSection[] = [
  {
    heading: "Start",
    paths: [
      "README.md",
      "docs/guide/coming-from-other-platforms.md",
      "docs/guide/coming-from-lever-os.md",
    ],
  },
  {
    heading: "Write services",
    paths: [
      "docs/guide/services.md",
      "docs/guide/typescript.md",
      "docs/guide/http.md",
      "docs/guide/develop.md",
    ],
  },
  { heading: "Call and run", paths: ["docs/guide/calling.md", "docs/guide/running.md"] },
  {
    heading: "Operate",
    paths: [
      "docs/guide/production.md",
      "docs/guide/many-machines.md",
      "docs/guide/console.md",
      "docs/guide/logs.md",
      "docs/guide/monitoring.md",
      "docs/guide/troubleshooting.md",
      "SECURITY.md",
    ],
  },
];

/** The pages of the site in the order of its navigation. Those that no section names are in the one of their folder. */
export function pageSections(root: string): readonly PageSection[] {
  const named = new Set(FIRST.flatMap(({ paths }) => paths));
  const others = (pattern: string): string[] =>
    globSync(pattern, { cwd: root })
      .filter((path) => !named.has(path))
      .sort();
  const sections = [
    ...FIRST,
    { heading: "More", paths: others("docs/guide/*.md") },
    { heading: "Reference", paths: [...others("docs/reference/*.md"), "CHANGELOG.md"] },
    { heading: "Why it is so", paths: ["docs/decisions/README.md"] },
  ];
  return sections.filter(({ paths }) => paths.length > 0);
}

/** Pages that are found by links and by the search alone. */
export function furtherPages(root: string): readonly string[] {
  return globSync("docs/decisions/0*.md", { cwd: root }).sort();
}

/** The file of a page in the site. */
export function pageFile(path: string): string {
  if (path === "README.md") return "index.html";
  const name = path.replace(/^docs\/(guide\/)?/, "").replace(/README\.md$/, "index.md");
  return name.toLowerCase().replaceAll("/", "-").replace(/\.md$/, ".html");
}
