import { closedSide, defaultLimits } from "@leveros/protocol";
import { expect, it } from "vitest";
import { openHttp2Server, post } from "../../../../tests/harness/http2-server.ts";
import { CANCEL, HEADERS, RST_STREAM } from "../http2/frame.ts";
import { serveGrpc } from "./grpc-call.ts";

it("a stream that is closed before it is served gets no response", async () => {
  let thrown: unknown;
  await using server = await openHttp2Server((stream, headers) => {
    stream.reset(CANCEL);
    try {
      const options = {
        admit: () => () => closedSide,
        environment: undefined,
        limits: defaultLimits,
      };
      if (headers !== "too long") serveGrpc(stream, headers, options);
    } catch (error) {
      thrown = error;
    }
  });
  const client = server.open();
  client.begin(post(1, { ":path": "/nothing" }));
  await client.frame(({ type }) => type === RST_STREAM);
  expect(client.frames.filter(({ type }) => type === HEADERS)).toEqual([]);
  expect(thrown).toBeUndefined();
});
