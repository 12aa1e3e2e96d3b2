// Restate: the work as handlers of a service, which restate-server calls.
import { createServer } from "node:http2";
import * as restate from "@restatedev/restate-sdk";

const work = restate.service({
  name: "work",
  handlers: {
    sayHello: async (_context, [name]) => `Hello, ${name}!`,
    lengthOf: async (_context, [text]) => text.length,
  },
});

createServer(restate.createEndpointHandler({ services: [work] })).listen(
  Number(process.env.PORT),
  "127.0.0.1",
);
