/** The parts of node:buffer that are used where it exists. */
interface NodeBuffer {
  isAscii(bytes: Uint8Array): boolean;
  readonly Buffer: {
    allocUnsafeSlow(bytes: number): { readonly buffer: ArrayBuffer };
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

/** Memory that its owner overwrites completely: Node need not clear it. No `Buffer`, whose `slice` does not copy. */
export function newMemory(bytes: number): Uint8Array<ArrayBuffer> {
  if (nodeBuffer === undefined) return new Uint8Array(bytes);
  return new Uint8Array(nodeBuffer.Buffer.allocUnsafeSlow(bytes).buffer);
}
