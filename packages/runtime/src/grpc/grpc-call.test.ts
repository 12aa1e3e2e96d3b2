import { once } from "node:events";
import * as http2 from "node:http2";
import type { AddressInfo } from "node:net";
import { closedSide, defaultLimits } from "@leveros/protocol";
import { expect, it } from "vitest";
import { serveGrpc } from "./grpc-call.ts";

it("answers nobody whose call was closed before it is looked at", async () => {
  const server = http2.createServer();
  let thrown: unknown;
  server.on("stream", (stream, headers) => {
    // As when the connection breaks in the same turn of the loop: a stream that is closed and has not said so yet.
    stream.close(http2.constants.NGHTTP2_CANCEL);
    try {
      const options = { call: () => closedSide, environment: undefined, limits: defaultLimits };
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
