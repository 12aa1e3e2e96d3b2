/** Reads single keys from the terminal. Returns a function that ends it. Without a terminal there are none. */
export function readKeys(onKey: (key: string) => void): () => void {
  const { stdin } = process;
  if (!stdin.isTTY) return () => {};
  stdin.setRawMode(true);
  stdin.setEncoding("utf8");
  const onData = (text: string): void => {
    for (const key of text) onKey(key);
  };
  stdin.on("data", onData);
  return () => {
    stdin.off("data", onData);
    stdin.setRawMode(false);
    stdin.pause();
  };
}
