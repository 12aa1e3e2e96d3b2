import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { expect, it } from "vitest";
import { startLever } from "../harness/lever.ts";

/** Prints each message with the sender's pid, as systemd would see it. Node has no such sockets. */
const receiver = `
import array, os, socket, struct, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
s.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
print("bound", flush=True)
while True:
    text, ancillary, _, _ = s.recvmsg(4096, 4096)
    pid = 0
    for level, kind, data in ancillary:
        if kind == socket.SCM_CREDENTIALS: pid = struct.unpack("3i", data)[0]
        # The sender waits until its descriptor is closed.
        if kind == socket.SCM_RIGHTS:
            for fd in array.array("i", data): os.close(fd)
    if not text.startswith(b"BARRIER"): print(text.decode().strip(), pid, flush=True)
`;

it("systemd is told that the host is ready, alive and stopping", {
  tags: ["needs-systemd", "needs-python", "needs-root"],
}, async () => {
  const dir = mkdtempSync(join(tmpdir(), "lever-notify-"));
  const socket = join(dir, "notify");
  const python: ChildProcessWithoutNullStreams = spawn("/usr/bin/python3", [
    "-c",
    receiver,
    socket,
  ]);
  const lines = createInterface({ input: python.stdout })[Symbol.asyncIterator]();
  const next = async (): Promise<unknown> => (await lines.next()).value;
  try {
    expect(await next()).toBe("bound");
    const lever = await startLever({ env: { NOTIFY_SOCKET: socket, WATCHDOG_USEC: "200000" } });
    expect(await next()).toBe(`READY=1 ${lever.pid}`);
    expect(await next()).toBe(`WATCHDOG=1 ${lever.pid}`);
    const stopped = lever.stop();
    let message = await next();
    while (message === `WATCHDOG=1 ${lever.pid}`) message = await next();
    expect(message).toBe(`STOPPING=1 ${lever.pid}`);
    expect(await stopped).toBe(0);
  } finally {
    python.kill();
    rmSync(dir, { recursive: true });
  }
});
