import type { BodyMemory } from "@leveros/protocol";

/** Memory of bodies that is used once. */
export const newMemory: BodyMemory<Buffer> = {
  empty: Buffer.alloc(0),
  acquire: (bytes) => Buffer.allocUnsafeSlow(bytes),
  release() {},
};
