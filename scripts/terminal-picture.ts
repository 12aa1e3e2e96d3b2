import { escapeHtml } from "./docs-site/render-page.ts";

export interface TypedCommand {
  readonly command: string;
  readonly output: string;
  /** The time from Enter to its output. */
  readonly seconds: number;
}

const COLUMNS = 96;
const COLUMN_PX = 8.4;
const LINE_PX = 20;
const MARGIN_PX = 16;
const TYPED_PER_SECOND = 30;
/** Time to look at an output. */
const READ_SECONDS = 1.3;
/** Time to look at the end, before it begins again. */
const END_SECONDS = 4;
const PROMPT = "$ ";

interface Line {
  readonly text: string;
  /** The second in which it appears. */
  readonly at: number;
  /** It is typed, for so long. */
  readonly typedSeconds: number;
}

/**
 * A terminal in which commands are typed and print their output, as an animated picture. Where nothing may move, it shows the
 * end.
 */
export function drawTerminal(commands: readonly TypedCommand[]): string {
  const lines: Line[] = [];
  let at = 0.5;
  for (const { command, output, seconds } of commands) {
    const typedSeconds = command.length / TYPED_PER_SECOND;
    for (const [index, text] of wrap(PROMPT + command).entries()) {
      lines.push({ text, at, typedSeconds: index === 0 ? typedSeconds : 0 });
    }
    at += typedSeconds + seconds;
    for (const text of output.split("\n").flatMap(wrap)) lines.push({ text, at, typedSeconds: 0 });
    at += READ_SECONDS;
  }
  const total = at + END_SECONDS;
  const width = Math.round(COLUMNS * COLUMN_PX) + 2 * MARGIN_PX;
  const height = lines.length * LINE_PX + 2 * MARGIN_PX;
  const drawn = lines.map((line, index) => drawLine(line, index));
  const moves = lines.map((line, index) => moveLine(line, index, total));
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-labelledby="title">
<title id="title">A terminal: Lever starts, and a service is deployed and called</title>
<style>
text { font: 14px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; fill: #c9d1d9; white-space: pre }
.command { fill: #ffffff }
.cover { fill: #15181b; opacity: 0 }
@media (prefers-reduced-motion: no-preference) {
${moves.join("\n")}
}
</style>
<rect width="${width}" height="${height}" rx="8" fill="#15181b"/>
${drawn.join("\n")}
</svg>
`;
}

/** Lines that fit, as terminals break them. */
function wrap(text: string): readonly string[] {
  return text.match(new RegExp(`.{1,${COLUMNS}}`, "gu")) ?? [""];
}

const widthOf = (text: string): number => Math.round(text.length * COLUMN_PX * 10) / 10;

function drawLine({ text, typedSeconds }: Line, index: number): string {
  if (text === "") return "";
  const x = MARGIN_PX;
  const top = MARGIN_PX + index * LINE_PX;
  const isTyped = typedSeconds > 0;
  // The length makes any font of the reader's as wide as the cover.
  const line = `<text id="l${index}" x="${x}" y="${top + 15}" textLength="${widthOf(text)}"${isTyped ? ' class="command"' : ""}>${escapeHtml(text)}</text>`;
  if (!isTyped) return line;
  const typed = widthOf(text.slice(PROMPT.length));
  return `${line}<rect id="c${index}" class="cover" x="${x + widthOf(PROMPT)}" y="${top}" width="${typed}" height="${LINE_PX}"/>`;
}

/** The line appears in its second. A cover moves off a typed one, letter by letter. */
function moveLine({ text, at, typedSeconds }: Line, index: number, total: number): string {
  if (text === "") return "";
  const percent = (second: number): string => `${((second / total) * 100).toFixed(2)}%`;
  const timing = `${total.toFixed(1)}s infinite`;
  const appears = `#l${index} { animation: l${index} ${timing} step-end } @keyframes l${index} { 0% { opacity: 0 } ${percent(at)} { opacity: 1 } }`;
  if (typedSeconds === 0) return appears;
  const letters = text.length - PROMPT.length;
  const moved = `transform: translateX(${widthOf(text)}px)`;
  return `${appears}
#c${index} { animation: c${index} ${timing} } @keyframes c${index} { 0%, ${percent(at)} { opacity: 1; transform: none; animation-timing-function: steps(${letters}) } ${percent(at + typedSeconds)} { opacity: 1; ${moved} } ${percent(at + typedSeconds + 0.01)}, 100% { opacity: 0; ${moved} } }`;
}
