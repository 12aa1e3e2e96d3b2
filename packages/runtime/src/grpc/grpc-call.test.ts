import { once } from "node:events";
import * as http2 from "node:http2";
import type { AddressInfo } from "node:net";
import { closedSide, defaultLimits } from "@leveros/protocol";
import { expect, it } from "vitest";
import { serveGrpc } from "./grpc-call.ts";

it("a stream that is closed before it is served gets no response", async () => {
  const server = http2.createServer();
  let thrown: unknown;
  server.on("stream", (stream, headers) => {
    // As when the connection breaks in the same event loop iteration: closed, but "close" has not been emitted.
    stream.close(http2.constants.NGHTTP2_CANCEL);
    try {
      const options = {
        admit: () => () => closedSide,
        environment: undefined,
        limits: defaultLimits,
      };
      serveGrpc(stream, headers, options);
    } catch (error) {
      thrown = error;
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const client = http2.connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const call = client.request({ ":method": "POST", ":path": "/nothing" });
  call.on("error", () => {});
  await once(call, "close");
  expect(thrown).toBeUndefined();
  client.close();
  server.close();
});
