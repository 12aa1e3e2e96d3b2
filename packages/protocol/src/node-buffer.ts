/** The parts of node:buffer that are used where it exists. */
interface NodeBuffer {
  isAscii(bytes: Uint8Array): boolean;
  readonly Buffer: {
    from(
      buffer: ArrayBufferLike,
      offset: number,
      length: number,
    ): {
      toString(encoding: "latin1"): string;
      indexOf(byte: number, from: number): number;
    };
  };
}

/** undefined outside of Node. */
export const nodeBuffer: NodeBuffer | undefined = (
  globalThis as { process?: { getBuiltinModule?(name: string): unknown } }
).process?.getBuiltinModule?.("buffer") as NodeBuffer | undefined;
