/** Runs in the pages of the site: finds parts of pages while somebody types. */
import MiniSearch from "minisearch";
import type { PagePart } from "./render-page.ts";

declare global {
  /** A script sets it, since pages from file:// can fetch nothing. */
  var leverDocs: readonly PagePart[] | undefined;
}

const RESULTS_MAX = 12;
const TEXT_CHARS = 120;

const box = document.querySelector<HTMLInputElement>("#search");
const list = document.querySelector<HTMLElement>("#results");
let index: MiniSearch | undefined;
let parts: readonly PagePart[] = [];

if (matchMedia("(max-width: 760px)").matches) {
  document.querySelector("nav details")?.removeAttribute("open");
}
if (box !== null && list !== null) {
  box.addEventListener("focus", () => loadIndex(() => show(box.value, list)), { once: true });
  box.addEventListener("input", () => show(box.value, list));
  box.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown") list.querySelector<HTMLElement>("a")?.focus();
    else if (event.key === "Enter") list.querySelector<HTMLElement>("a")?.click();
    else if (event.key === "Escape") box.value = "";
    else return;
    event.preventDefault();
    show(box.value, list);
  });
  list.addEventListener("keydown", (event) => move(event, list, box));
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || document.activeElement === box) return;
    event.preventDefault();
    box.focus();
  });
}

/** Pages that nobody searches from do not read the index. */
function loadIndex(done: () => void): void {
  const script = document.createElement("script");
  script.src = "search-index.js";
  script.addEventListener("load", () => {
    parts = globalThis.leverDocs ?? [];
    index = new MiniSearch({
      fields: ["heading", "page", "text"],
      searchOptions: {
        prefix: true,
        fuzzy: 0.15,
        combineWith: "AND",
        boost: { heading: 4, page: 2 },
        // Guides help more often than the reasons for a decision.
        boostDocument: (id) => (parts[Number(id)]?.href.startsWith("decisions-") ? 0.3 : 1),
      },
    });
    index.addAll(parts.map((part, id) => ({ ...part, id })));
    done();
  });
  document.head.append(script);
}

function show(typed: string, into: HTMLElement): void {
  const wanted = typed.trim();
  into.hidden = wanted === "" || index === undefined;
  const found = wanted === "" ? [] : (index?.search(wanted).slice(0, RESULTS_MAX) ?? []);
  into.replaceChildren(
    ...found.map(({ id }) => resultOf(parts[Number(id)])),
    ...(found.length === 0 ? ["Nothing found."] : []),
  );
}

function resultOf(part: PagePart | undefined): HTMLElement {
  const link = document.createElement("a");
  if (part === undefined) return link;
  const { href, page, heading, text } = part;
  link.href = href;
  const title = document.createElement("b");
  title.textContent = heading === page ? page : `${page}: ${heading}`;
  const start = document.createElement("span");
  start.textContent = text.slice(0, TEXT_CHARS);
  link.append(title, start);
  return link;
}

/** The arrow keys go through the results. */
function move(event: KeyboardEvent, among: HTMLElement, before: HTMLElement): void {
  const at = document.activeElement;
  const next =
    event.key === "ArrowDown"
      ? at?.nextElementSibling
      : event.key === "ArrowUp"
        ? (at?.previousElementSibling ?? before)
        : undefined;
  if (!(next instanceof HTMLElement) || !(among.contains(next) || next === before)) return;
  event.preventDefault();
  next.focus();
}
