import { measureEcho, webSocketEcho } from "../echo.ts";
import { atLeast, type Figure, measured, ratios } from "../figure.ts";
import { interleave } from "../interleave.ts";
import { startWs } from "../peers/echo-servers.ts";
import { lever } from "../peers/lever.ts";
import type { Scenario } from "../scenario.ts";

const RATIO_MIN = 0.85;

export const largeMessages: Scenario = {
  name: "large-messages",
  group: "off-path",
  about:
    "large messages that a streaming method sends back over one WebSocket, 64 on their way at once",
  async run(run): Promise<readonly Figure[]> {
    await using host = await lever.start();
    await using ws = await startWs();
    const leverUrl = `ws://127.0.0.1:${host.port}/work/echoChan?forceenv=dev.lever`;
    const figures: Figure[] = [];
    for (const [kind, size] of Object.entries({ "16 kB": 16_384, "64 kB": 65_536 })) {
      const message = Buffer.alloc(size, "x");
      const measure = async (peer: "Lever" | "ws", seconds: number): Promise<number> => {
        const echo = await (peer === "Lever"
          ? webSocketEcho(leverUrl, [])
          : webSocketEcho(`ws://${ws.address}/`));
        try {
          return await measureEcho(echo, message, seconds);
        } finally {
          echo.close();
        }
      };
      for (const peer of ["ws", "Lever"] as const) await measure(peer, 0.5);
      const rates = await interleave(run, ["ws", "Lever"] as const, (peer) =>
        measure(peer, run.seconds),
      );
      const of = (peer: "Lever" | "ws"): number[] => rates.get(peer) ?? [];
      const chart = `${kind}: messages a second`;
      figures.push(
        measured(`${kind}: Lever, messages/s`, of("Lever"), { chart, label: "Lever" }),
        measured(`${kind}: ws, messages/s`, of("ws"), { chart, label: "ws" }),
        atLeast(`${kind}: Lever / ws`, ratios(of("Lever"), of("ws")), RATIO_MIN),
      );
    }
    return figures;
  },
};
