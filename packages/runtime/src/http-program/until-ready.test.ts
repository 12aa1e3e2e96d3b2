import { once } from "node:events";
import { createServer } from "node:http";
import { afterEach, expect, it } from "vitest";
import { untilReady } from "./until-ready.ts";

const server = createServer();
afterEach(() => {
  server.close();
  server.closeAllConnections();
});

it("a program is ready once its path answers 2xx, and says until then why it is not", async () => {
  const statuses = [503, 503, 302, 204];
  const asked: string[] = [];
  server.on("request", ({ url }, response) => {
    asked.push(String(url));
    response.writeHead(statuses.shift() ?? 500).end();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const reasons: string[] = [];
  await untilReady(
    { host: "127.0.0.1", port },
    {
      command: "node",
      path: "/health?deep",
      onWaiting: (reason) => reasons.push(reason),
      describeExit: () => undefined,
    },
  );
  const reason = "node does not answer GET /health?deep (httpReady) with 2xx";
  expect(reasons).toEqual([reason, `${reason}, but with 503`, `${reason}, but with 302`]);
  expect(asked).toEqual(Array(4).fill("/health?deep"));
});
