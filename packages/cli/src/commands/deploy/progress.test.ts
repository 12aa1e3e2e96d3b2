import { expect, it } from "vitest";
import { ProgressLine } from "../../progress-line.ts";
import { formatPhase } from "./progress.ts";

const uploading = { name: "uploading", sentBytes: 200, archiveBytes: 400 } as const;

it("the line shows how much of the folder is packed", () => {
  expect(formatPhase({ name: "packing", packedBytes: 500, folderBytes: 2_000 }, 80)).toBe(
    "Packing   ██████░░░░░░░░░░░░░░░░░░ 25%  500 B of 2.0 kB",
  );
});

it("the line shows how much of the archive is sent", () => {
  expect(formatPhase(uploading, 80)).toBe(
    "Uploading ████████████░░░░░░░░░░░░ 50%  200 B of 400 B sent",
  );
});

it("an empty archive and a file that grew are shown as 100%", () => {
  expect(formatPhase({ ...uploading, archiveBytes: 0 }, 80)).toContain("100%");
  expect(formatPhase({ ...uploading, sentBytes: 2_000 }, 80)).toContain("100%");
});

it("the line is never wider than the terminal", () => {
  expect(formatPhase(uploading, 30)).toHaveLength(30);
  expect(formatPhase({ name: "starting", sentBytes: 1 }, 10)).toHaveLength(10);
});

function terminal(isTTY: boolean): {
  written: string[];
  isTTY: boolean;
  write(text: string): void;
} {
  const written: string[] = [];
  return { written, isTTY, write: (text) => written.push(text) };
}

it("nothing is written unless the output is a terminal", () => {
  const pipe = terminal(false);
  const line = new ProgressLine(pipe, formatPhase);
  line.show(uploading);
  line.clear();
  expect(pipe.written).toEqual([]);
});

it("the line is redrawn every 50 ms at most, a new phase at once, and cleared once", () => {
  const screen = terminal(true);
  let now = 0;
  const line = new ProgressLine(screen, formatPhase, () => now);
  line.show(uploading);
  now = 49;
  line.show(uploading);
  expect(screen.written).toHaveLength(1);
  now = 50;
  line.show(uploading);
  line.show({ name: "starting", sentBytes: 200 });
  expect(screen.written).toHaveLength(3);
  line.clear();
  line.clear();
  expect(screen.written.slice(3)).toEqual(["\r\u001b[K"]);
});
