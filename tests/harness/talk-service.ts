import { Client, type RemoteService, type RemoteStream } from "leveros";
import { type RunningLever, startLever } from "./lever.ts";
import { deployService, testService } from "./test-service.ts";

/** A service that greets, echoes, fails and hangs. */
const service = testService(
  `
    exports.hi = (name) => "Hello, " + name;
    exports.fail = () => { throw { code: 7 }; };
    exports.hang = () => new Promise(() => {});
    exports.lengthOf = (bytes) => bytes.length;
    exports.echoChan = async (stream) => { for await (const message of stream) stream.write(message); };
    exports.deafChan = () => new Promise(() => {});
    exports.lastChan = async (stream) => { stream.write("here"); for await (const message of stream) { stream.write(message); return; } };
  `,
  { name: "talk", maxInstances: 1 },
);

export const clientAt = (address: string, token?: string): Client =>
  new Client({ forceHost: address, token });
export const talkAt = (address: string, token?: string): RemoteService =>
  clientAt(address, token).service("dev.lever", "talk");
/** Starts a host with that service. */
export const startTalk = async (...args: string[]): Promise<RunningLever> => {
  const lever = await startLever({ args });
  await deployService(lever, service);
  return lever;
};

interface OpenedStream {
  readonly stream: RemoteStream;
  readonly messages: AsyncIterator<unknown>;
  /** Sends a message, and resolves to the next one that arrives. */
  echo(message: unknown): Promise<unknown>;
}

/** A stream to a service that echoes. */
export async function opened(open: Promise<RemoteStream>): Promise<OpenedStream> {
  const stream = await open;
  const messages = stream[Symbol.asyncIterator]();
  const echo = async (message: unknown): Promise<unknown> => {
    stream.write(message);
    return (await messages.next()).value;
  };
  return { stream, messages, echo };
}
