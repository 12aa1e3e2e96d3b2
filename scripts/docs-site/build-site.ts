import { cp, mkdir, readFile, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { build } from "vite";
import { furtherPages, pageFile, pageSections } from "./pages.ts";
import { escapeHtml, renderPage } from "./render-page.ts";

const root = join(import.meta.dirname, "../..");

/** Writes the site into a folder. Returns its pages. */
export async function buildSite(
  folder: string,
): Promise<readonly { readonly file: string; readonly title: string }[]> {
  const sections = pageSections(root);
  const paths = [...sections.flatMap((section) => section.paths), ...furtherPages(root)];
  const isPage = (path: string): boolean => paths.includes(path);
  const pages = await Promise.all(
    paths.map(async (path) => {
      const text = await readFile(join(root, path), "utf8");
      return { path, file: pageFile(path), ...renderPage(path, text, isPage) };
    }),
  );
  const titles = new Map(pages.map(({ path, title }) => [path, title]));
  const navigation = (current: string): string =>
    sections
      .map(({ heading, paths: of }) => {
        const links = of.map((path) => {
          const mark = path === current ? ' aria-current="page"' : "";
          return `<a href="${pageFile(path)}"${mark}>${escapeHtml(titles.get(path) ?? path)}</a>`;
        });
        return `<h2>${heading}</h2>\n${links.join("\n")}`;
      })
      .join("\n");
  const listed = sections.flatMap((section) => section.paths);
  /** The pages before and after one in the navigation. */
  const neighbours = (path: string): string => {
    const at = listed.indexOf(path);
    if (at < 0) return "";
    const links = [["prev", at - 1] as const, ["next", at + 1] as const].flatMap(([rel, index]) => {
      const to = listed[index];
      if (to === undefined) return [];
      return `<a rel="${rel}" href="${pageFile(to)}">${escapeHtml(titles.get(to) ?? to)}</a>`;
    });
    return `<footer>\n${links.join("\n")}\n</footer>`;
  };
  await mkdir(folder, { recursive: true });
  for (const { path, file, title, html, pictures } of pages) {
    const around = { navigation: navigation(path), neighbours: neighbours(path) };
    await writeFile(join(folder, file), pageOf({ title, html, ...around }));
    for (const picture of pictures) await cp(join(root, picture), join(folder, basename(picture)));
  }
  const index = JSON.stringify(pages.flatMap(({ parts }) => parts));
  await writeFile(join(folder, "search-index.js"), `globalThis.leverDocs = ${index};\n`);
  await cp(join(import.meta.dirname, "style.css"), join(folder, "style.css"));
  await build({
    configFile: false,
    logLevel: "error",
    root: import.meta.dirname,
    build: {
      outDir: folder,
      emptyOutDir: false,
      lib: {
        entry: "search-box.ts",
        formats: ["iife"],
        name: "search",
        fileName: () => "search.js",
      },
    },
  });
  return pages.map(({ file, title }) => ({ file, title }));
}

function pageOf(page: {
  readonly title: string;
  readonly html: string;
  readonly navigation: string;
  readonly neighbours: string;
}): string {
  const title = page.title === "Lever" ? "Lever" : `${page.title} · Lever`;
  const html = page.html
    .replaceAll("<table>", '<div class="wide" tabindex="0"><table>')
    .replaceAll("</table>", "</table></div>")
    .replaceAll("<pre>", '<pre tabindex="0">');
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="style.css">
<nav aria-label="Pages">
<input id="search" type="search" placeholder="Search (/)" aria-label="Search" autocomplete="off">
<div id="results" hidden></div>
<details open>
<summary>Pages</summary>
${page.navigation}
</details>
</nav>
<main>
${html}
${page.neighbours}
</main>
<script src="search.js"></script>
</html>
`;
}
