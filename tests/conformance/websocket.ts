import { once } from "node:events";
import { WebSocket } from "ws";
import { converse, type Failure, isBytes, MessageQueue, type Transport } from "./transport.ts";

/** Bytes of credit that each direction of the subprotocol begins with. */
const WINDOW_BYTES = 262_144;

function overWebSocket(name: string, protocol: "lever" | undefined): Transport {
  return {
    name,
    async stream({ lever }, service, of) {
      const socket = new WebSocket(
        `ws://${lever.address}/${service}/${of.method}?forceenv=dev.lever`,
        protocol,
      );
      const messages = new MessageQueue(socket);
      let credit = protocol === undefined ? Number.POSITIVE_INFINITY : WINDOW_BYTES;
      let onCredit: () => void = () => {};
      let told: Failure | undefined;
      socket.on("message", (data: Buffer, isBinary) => {
        const isText = protocol !== undefined && !isBinary;
        const mark = isText ? String.fromCharCode(data[0] ?? 0) : "";
        if (mark === "+") {
          credit += Number(data.subarray(1).toString());
          onCredit();
        } else if (mark === "!") {
          const { error, problem } = JSON.parse(data.subarray(1).toString()) as {
            error?: unknown;
            problem?: { code: string };
          };
          told = problem === undefined ? { error } : { code: problem.code };
        } else {
          messages.push(isBinary ? data : JSON.parse(data.toString()));
          if (protocol !== undefined) socket.send(`+${data.length}`);
        }
      });
      socket.on("error", () => {});
      socket.on("close", (code, reason) => {
        onCredit();
        messages.end(code === 1000 ? undefined : (told ?? closeFailure(code, reason.toString())));
      });
      await once(socket, "open");
      socket.send(JSON.stringify(of.args));
      const stream = {
        async send(message: unknown) {
          const data = isBytes(message) ? message : JSON.stringify(message);
          while (credit <= 0 && socket.readyState === WebSocket.OPEN) {
            await new Promise<void>((resolve) => {
              onCredit = resolve;
            });
          }
          credit -= Buffer.byteLength(data);
          const sent = new Promise((resolve) => socket.send(data, resolve));
          if (socket.bufferedAmount > WINDOW_BYTES) await sent;
        },
        end: () => socket.send(""),
        leave: () => socket.terminate(),
        messages,
      };
      return await converse(stream, of);
    },
  };
}

/** Without the subprotocol, the close code is all there is, and the reason a text for people. */
function closeFailure(code: number, reason: string): Failure {
  if (code === 4000) return { error: JSON.parse(reason) as unknown };
  if (code === 4403) return { code: "private_service" };
  if (code !== 4404) return { code: `close ${code}` };
  return { code: reason.includes("has no method") ? "unknown_method" : "unknown_service" };
}

export const webSocketTransports: readonly Transport[] = [
  overWebSocket("WebSocket", undefined),
  overWebSocket("WebSocket lever", "lever"),
];
