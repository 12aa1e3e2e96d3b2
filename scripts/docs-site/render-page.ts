import { posix } from "node:path";
import { Marked, type Tokens } from "marked";
import { anchorOf } from "../lint/documents.ts";
import { pageFile } from "./pages.ts";

/** A part of a page below a heading, for the search. */
export interface PagePart {
  /** The file, with the anchor of the heading. */
  readonly href: string;
  readonly page: string;
  readonly heading: string;
  readonly text: string;
}

export interface RenderedPage {
  readonly title: string;
  /** Paths of its pictures in the repository. The site has each under its name alone. */
  readonly pictures: readonly string[];
  readonly html: string;
  readonly parts: readonly PagePart[];
}

/** Renders a document. `isPage`: whether the site has a page of that path. Other files of the repository are not linked. */
export function renderPage(
  path: string,
  text: string,
  isPage: (path: string) => boolean,
): RenderedPage {
  const file = pageFile(path);
  const parts: { href: string; page: string; heading: string; text: string }[] = [];
  const pictures: string[] = [];
  let title = "";
  const marked = new Marked({
    renderer: {
      heading({ tokens, depth, text: heading }: Tokens.Heading): string {
        const anchor = anchorOf(heading);
        return `<h${depth} id="${anchor}">${this.parser.parseInline(tokens)}</h${depth}>\n`;
      },
      link({ href, tokens }: Tokens.Link): string {
        const inner = this.parser.parseInline(tokens);
        const target = hrefOf(path, href, isPage);
        return target === undefined ? inner : `<a href="${escapeHtml(target)}">${inner}</a>`;
      },
      image({ href, text: alt }: Tokens.Image): string {
        // Nothing is loaded from elsewhere.
        if (/^[\w-]+:/.test(href)) return escapeHtml(alt);
        const picture = posix.join(posix.dirname(path), href);
        pictures.push(picture);
        return `<img src="${escapeHtml(posix.basename(picture))}" alt="${escapeHtml(alt)}">`;
      },
      html: ({ text: html }: Tokens.HTML | Tokens.Tag): string =>
        /^\s*<!--/.test(html) ? "" : escapeHtml(html),
    },
  });
  // The site has links to the pages before and after.
  const tokens = marked.lexer(text.replace(/\nNext: \[.*\n$/, ""));
  for (const token of tokens) {
    if (token.type === "heading") {
      const heading = plainText(token as Tokens.Heading);
      if (title === "") title = heading;
      const href = parts.length === 0 ? file : `${file}#${anchorOf(token["text"])}`;
      parts.push({ href, page: title, heading, text: "" });
    } else {
      const last = parts.at(-1);
      if (last !== undefined) last.text += `${plainText(token)} `;
    }
  }
  return { title, html: marked.parser(tokens), parts, pictures };
}

function hrefOf(from: string, href: string, isPage: (path: string) => boolean): string | undefined {
  if (/^https?:/.test(href) || href.startsWith("#")) return href;
  const [file = "", anchor] = href.split("#");
  const path = posix.join(posix.dirname(from), file);
  if (!isPage(path)) return undefined;
  return `${pageFile(path)}${anchor === undefined ? "" : `#${anchor}`}`;
}

/** The words of a token and of those in it. */
function plainText(token: object): string {
  const { type, text, tokens, items, header, rows } = token as {
    readonly type?: string;
    readonly text?: string;
    readonly tokens?: readonly object[];
    readonly items?: readonly object[];
    readonly header?: readonly object[];
    readonly rows?: readonly (readonly object[])[];
  };
  if (type === "html") return "";
  const inner = [tokens, items, header, ...(rows ?? [])].flatMap((of) => of ?? []);
  const joint = type === "heading" || type === "paragraph" || type === "text" ? "" : " ";
  return inner.length === 0 ? unescapeHtml(text ?? "") : inner.map(plainText).join(joint);
}

export function escapeHtml(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}

function unescapeHtml(text: string): string {
  return text
    .replaceAll("&quot;", '"')
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&#39;", "'")
    .replaceAll("&amp;", "&");
}
