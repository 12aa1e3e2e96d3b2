import { spawn } from "node:child_process";
import { once } from "node:events";
import type { CreatedToken } from "@leveros/protocol";
import type { Client } from "leveros";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { instancesOf } from "../harness/admin.ts";
import { eventually } from "../harness/eventually.ts";
import type { RunningLever } from "../harness/lever.ts";
import { startProxy, type TestProxy } from "../harness/proxy.ts";
import { cleanEnvironment } from "../harness/run-lever.ts";
import { clientAt, opened, startTalk, talkAt } from "../harness/talk-service.ts";

describe("the Node client", () => {
  let lever: RunningLever;
  let proxy: TestProxy;

  beforeAll(async () => {
    // One test sends 3,000 calls at once. They may wait, however slow the machine is.
    const limits = ["queuedCallsPerServiceMax=3000", "queueStandingMs=60000"];
    lever = await startTalk(...limits.flatMap((limit) => ["--limit", limit]));
    proxy = await startProxy(lever.address);
  });

  afterAll(async () => {
    await proxy?.[Symbol.asyncDispose]();
    await lever?.stop();
  });

  it("all streams and calls of the Node client use one connection", async () => {
    const talk = talkAt(proxy.address);
    const streams = await Promise.all(
      Array.from({ length: 50 }, () => opened(talk.invokeChan("echoChan"))),
    );
    const echoes = await Promise.all(streams.map(({ echo }, index) => echo(index)));
    expect(echoes).toEqual(streams.map((_, index) => index));
    const calls = Array.from({ length: 3_000 }, (_, index) => talk.invoke("hi", index));
    expect(await Promise.all(calls)).toEqual(calls.map((_, index) => `Hello, ${index}`));
    await expect(talk.invoke("fail")).rejects.toMatchObject({
      code: "method_failed",
      value: { code: 7 },
    });
    await expect(talk.invoke("nothing")).rejects.toMatchObject({ code: "unknown_method" });
    expect(proxy.counts).toEqual({ connections: 1, links: 1 });
    for (const { stream } of streams) stream.end();
  });

  it("the Node client opens a link after its second call, not for the first", async () => {
    await using other = await startProxy(lever.address);
    const talk = talkAt(other.address);
    await talk.invoke("hi", 1);
    expect(other.counts).toEqual({ connections: 1, links: 0 });
    await talk.invoke("hi", 2);
    await eventually(() => other.counts.links > 0);
    expect(await talk.invoke("hi", 3)).toBe("Hello, 3");
    expect(other.counts.links).toBe(1);
  });

  const hang = (of: Client): Promise<unknown> => of.service("dev.lever", "talk").invoke("hang");

  it("a call on a link fails at its deadline", async () => {
    const client = clientAt(proxy.address);
    const { stream } = await opened(client.service("dev.lever", "talk").invokeChan("echoChan"));
    await expect(hang(client.with({ timeoutMs: 50 }))).rejects.toMatchObject({
      code: "deadline_exceeded",
    });
    stream.end();
  });

  it("a call on a link can be cancelled", async () => {
    const client = clientAt(proxy.address);
    const { stream } = await opened(client.service("dev.lever", "talk").invokeChan("echoChan"));
    const cancellation = new AbortController();
    const cancelled = hang(client.with({ signal: cancellation.signal }));
    cancellation.abort();
    await expect(cancelled).rejects.toMatchObject({ code: "cancelled" });
    stream.end();
  });

  it("a message over the limit fails its call, and no other call of the link", async () => {
    const talk = talkAt(proxy.address);
    const large = await opened(talk.invokeChan("echoChan"));
    const other = await opened(talk.invokeChan("echoChan"));
    const tooLarge = Buffer.alloc(4 * 1024 * 1024 + 1);
    await expect(large.echo(tooLarge)).rejects.toMatchObject({ code: "too_large" });
    await expect(talk.invoke("lengthOf", tooLarge)).rejects.toMatchObject({ code: "too_large" });
    const largest = Buffer.alloc(4 * 1024 * 1024, "x");
    expect(largest.equals((await other.echo(largest)) as Buffer)).toBe(true);
    expect(await talk.invoke("lengthOf", largest)).toBe(largest.length);
    other.stream.end();
  });

  it("every call of a broken link fails as unreachable", async () => {
    const talk = talkAt(proxy.address);
    const streams = await Promise.all([1, 2, 3].map(() => opened(talk.invokeChan("echoChan"))));
    for (const { echo } of streams) expect(await echo("up")).toBe("up");
    const call = talk.invoke("hang");
    const next = streams.map(({ messages }) => messages.next());
    proxy.closeConnections();
    for (const lost of [...next, call]) {
      await expect(lost).rejects.toMatchObject({ code: "unreachable" });
    }
  });

  it("the Node client opens another link after one broke", async () => {
    const talk = talkAt(proxy.address);
    const broken = await opened(talk.invokeChan("echoChan"));
    expect(await broken.echo("up")).toBe("up");
    const lost = broken.messages.next();
    proxy.closeConnections();
    await expect(lost).rejects.toMatchObject({ code: "unreachable" });
    const { stream, echo } = await opened(talk.invokeChan("echoChan"));
    expect(await echo("again")).toBe("again");
    stream.end();
  });

  it.each(["refused", "closed"] as const)(
    "the Node client works without links where the request for one is %s",
    async (onLink) => {
      await using blocking = await startProxy(lever.address, onLink);
      const talk = talkAt(blocking.address);
      for (const turn of [1, 2, 3]) {
        const { stream, echo } = await opened(talk.invokeChan("echoChan"));
        expect(await echo(turn)).toBe(turn);
        stream.end();
        expect(await talk.invoke("hi", turn)).toBe(`Hello, ${turn}`);
      }
      // The client does not ask again for each call.
      expect(blocking.counts.links).toBe(1);
    },
  );

  it.each([
    [
      "ended",
      "stream.write(1); for await (const message of stream) { console.log(message); stream.end(); }",
    ],
    [
      "cancelled",
      "stream.write(1); for await (const message of stream) { console.log(message); break; }",
    ],
    [
      "ended by the service",
      "stream.write(1); let n = 0; for await (const message of stream) console.log(++n);",
    ],
  ])("a process ends by itself once its streams are %s", async (how, use) => {
    const method = how === "ended by the service" ? "lastChan" : "echoChan";
    const script = `
      import { Client } from "leveros";
      const talk = new Client({ forceHost: "${lever.address}" }).service("dev.lever", "talk");
      const stream = await talk.invokeChan("${method}");
      ${use}
      await talk.invoke("hi", 1);`;
    const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
      cwd: import.meta.dirname,
      stdio: ["ignore", "pipe", "inherit"],
      env: cleanEnvironment(),
    });
    let printed = "";
    child.stdout.on("data", (chunk: Buffer) => {
      printed += chunk;
    });
    expect(await once(child, "close")).toEqual([0, null]);
    expect(printed).toMatch(/^1\n/);
  });
});

describe("a host with tokens", () => {
  let lever: RunningLever;
  let master: string;

  beforeAll(async () => {
    lever = await startTalk();
    ({ token: master } = await create(undefined, { environments: ["*"], rights: ["admin"] }));
  });

  afterAll(() => lever?.stop());

  const adminAt = (token: string | undefined) =>
    clientAt(lever.address, token).service("admin.lever", "admin");
  const create = async (by: string | undefined, wanted: object): Promise<CreatedToken> =>
    (await adminAt(by).invoke("createToken", wanted)) as CreatedToken;

  /** The answer on a new stream with this token. */
  async function echoWith(token: string | undefined): Promise<unknown> {
    const { stream, echo } = await opened(talkAt(lever.address, token).invokeChan("echoChan"));
    const answer = await echo("in");
    stream.end();
    return answer;
  }

  it("a call on a link without a token is unauthorized", async () => {
    await expect(echoWith(undefined)).rejects.toMatchObject({ code: "unauthorized" });
  });

  it("a call on a link with an unknown token is unauthorized", async () => {
    await expect(echoWith("lever_unknown")).rejects.toMatchObject({ code: "unauthorized" });
  });

  it("a call on a link is forbidden where its token is for another environment", async () => {
    const { token } = await create(master, { environments: ["other.lever"], rights: ["invoke"] });
    await expect(echoWith(token)).rejects.toMatchObject({ code: "forbidden" });
  });

  it("a call of the admin service on a link is forbidden to a token for calls", async () => {
    const { token } = await create(master, { environments: ["dev.lever"], rights: ["invoke"] });
    const watching = await opened(adminAt(token).invokeChan("watchEventsChan"));
    await expect(watching.messages.next()).rejects.toMatchObject({ code: "forbidden" });
  });

  describe("after its token was revoked", () => {
    let token: string;
    let before: Awaited<ReturnType<typeof opened>>;

    beforeAll(async () => {
      const invoker = await create(master, { environments: ["dev.lever"], rights: ["invoke"] });
      token = invoker.token;
      before = await opened(talkAt(lever.address, token).invokeChan("echoChan"));
      expect(await before.echo(1)).toBe(1);
      await adminAt(master).invoke("revokeToken", invoker.id);
    });

    it("a new call on a link with a revoked token is unauthorized", async () => {
      await expect(echoWith(token)).rejects.toMatchObject({ code: "unauthorized" });
      await expect(talkAt(lever.address, token).invoke("hi", "you")).rejects.toMatchObject({
        code: "unauthorized",
      });
    });

    it("a stream from before its token was revoked goes on", async () => {
      expect(await before.echo(2)).toBe(2);
      before.stream.end();
    });
  });
});

describe("a host that stops", () => {
  let status: number;
  let end: unknown;
  let refusal: unknown;

  beforeAll(async () => {
    const lever = await startTalk("--limit", "drainTimeoutMs=2000");
    const talk = talkAt(lever.address);
    const { messages } = await opened(talk.invokeChan("lastChan"));
    expect((await messages.next()).value).toBe("here");
    // A regular call keeps the host until its instance is killed.
    const held = talk.invoke("hang");
    await eventually(async () => (await instancesOf(lever, "talk"))[0]?.callsInFlight === 2);
    const stopped = lever.stop();
    end = await messages.next().catch((error: unknown) => error);
    refusal = await eventually(async () => {
      const late = await opened(talk.invokeChan("echoChan"));
      const outcome = await late.echo(1).catch((error: unknown) => error);
      late.stream.cancel();
      return outcome === 1 ? undefined : outcome;
    });
    await held.catch(() => {});
    status = await stopped;
  });

  it("a stopping host ends streams on a link as unavailable", () => {
    expect(end).toMatchObject({ code: "unavailable" });
    expect(status).toBe(0);
  });

  it("a stopping host refuses new streams on a link as unavailable", () => {
    expect(refusal).toMatchObject({ code: "unavailable" });
  });
});
