/** Command that must fail when a fault is planted: the simulation, or a file of unit tests below packages/. */
export type Catcher = "simulation" | `${string}.test.ts`;

/** A fault that somebody could make by mistake: one text of a source file is replaced by another. */
export interface PlantedFault {
  /** The fault, as a sentence. */
  readonly name: string;
  /** The source file, below packages/. */
  readonly file: string;
  /** Occurs exactly once in the file. */
  readonly text: string;
  readonly replacement: string;
  /** Each of them must find the fault by itself. */
  readonly caughtBy: readonly Catcher[];
}

/** Faults in one file. A row has the name, the text, its replacement, and what must find the fault. */
export function faultsIn(
  file: string,
  rows: readonly (readonly [
    name: string,
    text: string,
    replacement: string,
    ...caughtBy: Catcher[],
  ])[],
): PlantedFault[] {
  return rows.map(([name, text, replacement, ...caughtBy]) => {
    return { name, file, text, replacement, caughtBy };
  });
}

/** The file with its fault. @throws Error when the text is not found exactly once. */
export function plant(source: string, { name, file, text, replacement }: PlantedFault): string {
  const parts = source.split(text);
  if (parts.length === 2) return parts.join(replacement);
  throw new Error(
    `Cannot plant the fault "${name}": packages/${file} has its text ${parts.length - 1} times: ${text}`,
  );
}
