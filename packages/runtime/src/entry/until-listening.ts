import type { ChildProcess } from "node:child_process";
import { connect } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { type ListeningSocket, listeningSockets } from "./listening-sockets.ts";

/** The port of all programs of the original Lever OS. */
export const LEVER_OS_PORT = 3837;
const IPV4 = "127.0.0.1";
/** Time between two checks whether the program listens. */
const POLL_MS = 10;
/** After this time, Lever looks for the sockets of the program; then again each time twice as long has passed. */
const FIRST_LOOK_MS = 1_000;
const NEEDS_CONTAINERS =
  "A program that can listen only on port 3837, as those of Lever OS, needs a host with containers: lever up --isolation oci (lever doctor lists what that needs). Otherwise the program must read its port from LEVEROS_LISTEN_PORT.";

export interface ListeningOptions {
  readonly command: string;
  readonly port: number;
  /** The variable with the port. Default: LEVEROS_LISTEN_PORT */
  readonly variable?: "PORT";
  /** Called with the reason why the program is not ready, when it changes. */
  readonly onWaiting: (reason: string) => void;
}

/**
 * Resolves with the address at which the program listens on its port: of IPv4 or, for HTTP, of IPv6. The host stops the instance
 * when that takes too long.
 * @throws Error when the program cannot be started, exits before, or listens on port 3837 instead.
 */
export async function untilListening(
  child: ChildProcess,
  { command, port, variable, onWaiting }: ListeningOptions,
): Promise<string> {
  const place = `127.0.0.1:${port}, the port in ${variable ?? "LEVEROS_LISTEN_PORT"}`;
  const addresses = variable === undefined ? [IPV4] : [IPV4, "::1"];
  const isLeverOs = (listening: number): boolean =>
    variable === undefined && port !== LEVER_OS_PORT && listening === LEVER_OS_PORT;
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
  while (failure === undefined) {
    const address = await accepting(port, addresses);
    if (address !== undefined && failure === undefined) {
      child.off("exit", onExit);
      return address;
    }
    await delay(POLL_MS);
    if (performance.now() - startedAt < nextLookMs || child.pid === undefined) continue;
    nextLookMs *= 2;
    const sockets = await listeningSockets(child.pid);
    onWaiting(`${command} does not listen on ${place}${elsewhere(sockets)}`);
    if (sockets.some((socket) => isLeverOs(socket.port))) {
      failure ??= `${command} does not listen on ${place}${elsewhere(sockets)}. ${NEEDS_CONTAINERS}`;
    }
  }
  child.off("exit", onExit);
  // It has exited, perhaps since the only port that it can listen on is in use.
  const isPortInUse =
    child.exitCode !== null && isLeverOs(LEVER_OS_PORT) && (await accepts(LEVER_OS_PORT, IPV4));
  throw startError(
    isPortInUse ? `${failure}. Port 3837 of this machine is in use. ${NEEDS_CONTAINERS}` : failure,
  );
}

function elsewhere(sockets: readonly ListeningSocket[]): string {
  if (sockets.length === 0) return "";
  return `, but on ${sockets.map(({ address, port }) => `${address}:${port}`).join(" and ")}`;
}

/** The first of these addresses that accepts connections. */
async function accepting(port: number, addresses: readonly string[]): Promise<string | undefined> {
  for (const host of addresses) if (await accepts(port, host)) return host;
  return undefined;
}

function accepts(port: number, host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host });
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

/** An error for the author of the service, without a stack trace of Lever. */
export function startError(message: string): Error {
  const error = new Error(message);
  error.stack = message;
  return error;
}
