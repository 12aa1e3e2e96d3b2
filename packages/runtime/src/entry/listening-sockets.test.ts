import { createServer } from "node:net";
import { expect, it } from "vitest";
import { listeningSockets, parseSockets } from "./listening-sockets.ts";

const line = (local: string, state: string, inode: number): string =>
  `   0: ${local} 00000000:0000 ${state} 00000000:00000000 00:00000000 00000000  1000        0 ${inode} 1 0000000000000000 100 0 0 10 0\n`;
const opened = (inode: number): string =>
  `lrwx------ 1 a a 64 Nov 30 00:00 7 -> socket:[${inode}]\n`;

it.each([
  ["0100007F:0EFD", "127.0.0.1", 3837],
  ["00000000:0050", "0.0.0.0", 80],
  ["00000000000000000000000000000000:0EFD", "[::]", 3837],
  ["00000000000000000000000001000000:0EFD", "[::1]", 3837],
  ["B80D0120000000000000000001000000:0050", "[2001:db8::1]", 80],
])("the kernel's local address %s is %s and port %i", (local, address, port) => {
  expect(parseSockets(opened(5) + line(local, "0A", 5))).toEqual([{ address, port }]);
});

it("a socket that is connected, or of another process, does not count", () => {
  const other = line("0100007F:0050", "0A", 6) + line("0100007F:0050", "01", 5);
  expect(parseSockets(opened(5) + other)).toEqual([]);
});

it.runIf(process.platform === "linux")("the sockets of a running process are found", async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" ? address?.port : undefined;
  expect(await listeningSockets(process.pid)).toContainEqual({ address: "127.0.0.1", port });
  server.close();
});
