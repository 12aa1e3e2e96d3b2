// Globals that every JavaScript engine provides and TypeScript's "es" libraries do not declare.

declare class TextEncoder {
  encode(text: string): Uint8Array;
  encodeInto(text: string, target: Uint8Array): { read: number; written: number };
}

declare class TextDecoder {
  constructor(label?: string, options?: { fatal?: boolean; ignoreBOM?: boolean });
  decode(bytes: Uint8Array): string;
}

declare function queueMicrotask(task: () => void): void;

interface AbortSignal {
  readonly aborted: boolean;
  readonly reason: unknown;
}
