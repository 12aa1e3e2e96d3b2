import type { ChildProcess } from "node:child_process";
import { connect } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { type ListeningSocket, listeningSockets } from "./listening-sockets.ts";

/** The port of all programs of the original Lever OS. */
export const LEVER_OS_PORT = 3837;
/** Time between two checks whether the program listens. */
const POLL_MS = 10;
/** After this time, Lever looks for the sockets of the program; then again each time twice as long has passed. */
const FIRST_LOOK_MS = 1_000;
const NEEDS_CONTAINERS =
  "A program that can listen only on port 3837, as those of Lever OS, needs a host with containers: lever up --isolation oci (lever doctor lists what that needs). Otherwise the program must read its port from LEVEROS_LISTEN_PORT.";

export interface ListeningOptions {
  readonly command: string;
  /** The port in LEVEROS_LISTEN_PORT. */
  readonly port: number;
  /** Called with the reason why the program is not ready, when it changes. */
  readonly onWaiting: (reason: string) => void;
}

/**
 * Resolves when the program listens on its port of 127.0.0.1. The host stops the instance when that takes too long.
 * @throws Error when the program cannot be started, exits before, or listens on port 3837 instead.
 */
export async function untilListening(
  child: ChildProcess,
  { command, port, onWaiting }: ListeningOptions,
): Promise<void> {
  const place = `127.0.0.1:${port}, the port in LEVEROS_LISTEN_PORT`;
  let failure: string | undefined;
  const onError = (error: Error): void => {
    failure = `${command} cannot be started (${error.message})`;
  };
  const onExit = (status: number | null, signal: string | null): void => {
    const how = signal === null ? `exited with status ${status}` : `was ended by ${signal}`;
    failure ??= `${command} ${how} before it listened on ${place}`;
  };
  child.on("error", onError);
  child.on("exit", onExit);
  const startedAt = performance.now();
  let nextLookMs = FIRST_LOOK_MS;
  onWaiting(`${command} does not listen on ${place}`);
  while (failure === undefined && !(await accepts(port))) {
    await delay(POLL_MS);
    if (performance.now() - startedAt < nextLookMs || child.pid === undefined) continue;
    nextLookMs *= 2;
    const sockets = await listeningSockets(child.pid);
    onWaiting(`${command} does not listen on ${place}${elsewhere(sockets)}`);
    if (port !== LEVER_OS_PORT && sockets.some((socket) => socket.port === LEVER_OS_PORT)) {
      failure ??= `${command} does not listen on ${place}${elsewhere(sockets)}. ${NEEDS_CONTAINERS}`;
    }
  }
  child.off("exit", onExit);
  if (failure === undefined) return;
  // It has exited, perhaps since the only port that it can listen on is in use.
  const isPortInUse =
    child.exitCode !== null && port !== LEVER_OS_PORT && (await accepts(LEVER_OS_PORT));
  throw startError(
    isPortInUse ? `${failure}. Port 3837 of this machine is in use. ${NEEDS_CONTAINERS}` : failure,
  );
}

function elsewhere(sockets: readonly ListeningSocket[]): string {
  if (sockets.length === 0) return "";
  return `, but on ${sockets.map(({ address, port }) => `${address}:${port}`).join(" and ")}`;
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1" });
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

/** An error for the author of the service, without a stack trace of Lever. */
function startError(message: string): Error {
  const error = new Error(message);
  error.stack = message;
  return error;
}
