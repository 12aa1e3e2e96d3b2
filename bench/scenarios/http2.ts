import { once } from "node:events";
import { connect, type IncomingHttpHeaders } from "node:http2";
import { CertificateAuthority } from "../../tests/harness/certificates.ts";
import { atLeast, atMost, type Figure, measured, ratios } from "../figure.ts";
import { type H2loadResult, h2load } from "../h2load.ts";
import { interleave } from "../interleave.ts";
import { startNodeHttp2 } from "../peers/echo-servers.ts";
import { lever, startLeverTls } from "../peers/lever.ts";
import type { BenchRun, Scenario } from "../scenario.ts";

const CONNECTIONS = 8;
const STREAMS = 4;
const SECONDS_MAX = 2;
const BODY = '["world"]';
const headers = { ":authority": "dev.lever", "content-type": "application/json" };

/** A server, and where it has `sayHello`. */
interface Subject {
  readonly name: string;
  /** With `https://` over TLS. */
  readonly address: string;
  readonly path: string;
}

export const http2: Scenario = {
  name: "http2",
  group: "off-path",
  about: `unary calls by HTTP/2, ${CONNECTIONS} connections with ${STREAMS} calls each (h2load), in cleartext and over TLS, beside node:http2 with its stream event`,
  async run(run): Promise<readonly Figure[]> {
    return [...(await inCleartext(run)), ...(await overTls(run))];
  },
};

async function inCleartext(run: BenchRun): Promise<Figure[]> {
  await using host = await lever.start();
  await using direct = await startNodeHttp2();
  const own = { name: "Lever", address: `127.0.0.1:${host.port}`, path: "/work/sayHello" };
  return await compareBoth(run, "cleartext", own, { ...nodeHttp2, address: direct.address });
}

async function overTls(run: BenchRun): Promise<Figure[]> {
  using authority = new CertificateAuthority();
  const pair = authority.issue("bench");
  await using host = await startLeverTls(pair);
  await using direct = await startNodeHttp2(pair);
  const own = { name: "Lever", address: host.origin, path: "/work/sayHello" };
  const bare = { ...nodeHttp2, address: `https://${direct.address}` };
  return await compareBoth(run, "over TLS", own, bare);
}

const nodeHttp2 = { name: "node:http2", path: "/sayHello" };

async function compareBoth(
  run: BenchRun,
  how: string,
  own: Subject,
  bare: Subject,
): Promise<Figure[]> {
  const both = [own, bare];
  const measure = ({ address, path }: Subject, seconds: number): Promise<H2loadResult> =>
    h2load({
      ...{ address, path, connections: CONNECTIONS, streams: STREAMS, seconds },
      headers,
      body: Buffer.from(BODY),
    });
  for (const subject of both) {
    await check(subject);
    await measure(subject, 1);
  }
  const results = await interleave(run, both, (subject) =>
    measure(subject, Math.min(run.seconds, SECONDS_MAX)),
  );
  for (const subject of both) await check(subject);
  const rates = (of: Subject): number[] =>
    (results.get(of) ?? []).map(({ perSecond }) => perSecond);
  const failed = (results.get(own) ?? []).reduce((sum, result) => sum + result.failed, 0);
  const chart = `${how}: unary calls a second`;
  return [
    ...both.map((of) =>
      measured(`${how}: ${of.name}, calls/s`, rates(of), { chart, label: of.name }),
    ),
    atMost(`${how}: Lever, failed calls`, failed, 0),
    atLeast(`HTTP/2 unary, ${how}: Lever / node:http2`, ratios(rates(own), rates(bare)), 1),
  ];
}

/** h2load does not look at replies. @throws Error when this one is not the greeting. */
async function check({ name, address, path }: Subject): Promise<void> {
  const origin = address.startsWith("https:") ? address : `http://${address}`;
  const session = connect(origin, { rejectUnauthorized: false });
  try {
    const stream = session.request({ ":method": "POST", ":path": path, ...headers });
    stream.setEncoding("utf8").end(BODY);
    const [{ ":status": status }] = (await once(stream, "response")) as [IncomingHttpHeaders];
    const reply = (await stream.toArray()).join("");
    if (reply !== '"Hello, world!"') {
      throw new Error(`Cannot call ${name}: it answered ${status} ${reply}`);
    }
  } finally {
    session.close();
  }
}
