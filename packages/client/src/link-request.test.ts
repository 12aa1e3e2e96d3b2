import { once } from "node:events";
import { errorStatus, LINK_VERSION, refuseLinkUpgrade } from "@leveros/protocol";
import { expect, it } from "vitest";
import { answerJson, answerProblem, startFakeHost } from "../../../tests/harness/fake-host.ts";
import { Client } from "./client.ts";

it("a client warns of a host with another link version, and calls it over HTTP", async () => {
  const refusal = refuseLinkUpgrade(`lever-link/${LINK_VERSION + 1}`);
  if (refusal === undefined) throw new Error("There is no refusal.");
  const warned = once(process, "warning");
  await using host = await startFakeHost((response, { headers }) => {
    if (headers.upgrade === undefined) answerJson(response, "over HTTP");
    else answerProblem(response, errorStatus(refusal.code), refusal.toProblem());
  });
  const service = new Client({ forceHost: host.address }).service("dev.lever", "hello");
  // The second call opens a link for those that follow.
  for (let call = 0; call < 3; call++) expect(await service.invoke("greet")).toBe("over HTTP");
  const [warning] = await warned;
  expect(warning).toMatchObject({ name: "LeverWarning", code: "LEVER_LINK_VERSION" });
  expect(String(warning)).toContain(refusal.message);
  expect(String(warning)).toContain("Until then, calls use HTTP and WebSockets.");
});
