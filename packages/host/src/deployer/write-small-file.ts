import { closeSync, open, write } from "node:fs";

/**
 * Writes a whole file. Takes a third of the time of its namesakes in `fs` and `fs/promises` for small files: closing a written
 * file waits for nothing, so it needs no other thread.
 */
export function writeSmallFile(path: string, bytes: Uint8Array, mode: number): Promise<void> {
  return new Promise((resolve, reject) => {
    open(path, "w", mode, (openError, file) => {
      if (openError !== null) {
        reject(openError);
        return;
      }
      const end = (error: Error | null): void => {
        closeSync(file);
        if (error === null) resolve();
        else reject(error);
      };
      const writeFrom = (start: number): void => {
        if (start === bytes.length) {
          end(null);
          return;
        }
        write(file, bytes, start, (error, written) => {
          if (error !== null) end(error);
          else writeFrom(start + written);
        });
      };
      writeFrom(0);
    });
  });
}
