import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { CertificateAuthority } from "../../tests/harness/certificates.ts";
import { atLeast, atMost, type Figure, measured, ratios } from "../figure.ts";
import { interleave } from "../interleave.ts";
import { startNodeHttps } from "../peers/echo-servers.ts";
import { startLeverTls } from "../peers/lever.ts";
import { nginxMissing, startNginxTls } from "../peers/nginx.ts";
import type { BenchRun, Scenario } from "../scenario.ts";
import { type WrkResult, wrk } from "../wrk.ts";

const CONNECTIONS = 32;
const SECONDS_MAX = 2;

/** The handshakes of wrk, by the settings of its OpenSSL. With TLS 1.3 it resumes every other session. */
const handshakes = {
  complete: "MaxProtocol = TLSv1.2\nOptions = -SessionTicket",
  resumed: "MaxProtocol = TLSv1.2",
};

export const newHttps: Scenario = {
  name: "new-https",
  group: "off-path",
  about: `a greeting by HTTPS, each over a new connection, ${CONNECTIONS} at once (wrk): with complete handshakes, and with resumed sessions`,
  async run(run): Promise<readonly Figure[]> {
    using authority = new CertificateAuthority();
    const pair = authority.issue("bench");
    await using host = await startLeverTls(pair);
    await using direct = await startNodeHttps(pair);
    const own = { name: "Lever", address: host.origin, path: "/work/sayHello" };
    const bare = { name: "node:https", address: `https://${direct.address}`, path: "/sayHello" };
    const missing = nginxMissing();
    await using proxy = missing === undefined ? await startNginxTls(pair) : undefined;
    const others = proxy
      ? [{ name: "nginx", address: `https://${proxy.address}`, path: "/sayHello" }]
      : [];
    const figures: Figure[] = missing === undefined ? [] : [{ name: "nginx", value: missing }];
    for (const [how, settings] of Object.entries(handshakes)) {
      const file = join(authority.folder, "openssl.cnf");
      const sections = "openssl_conf = a\n[a]\nssl_conf = b\n[b]\nsystem_default = c\n[c]\n";
      writeFileSync(file, `${sections}${settings}\n`);
      figures.push(...(await compareAll(run, { how, file, own, bare, others })));
    }
    return figures;
  },
};

/** A server, and where it has `sayHello`. */
interface Subject {
  readonly name: string;
  readonly address: string;
  readonly path: string;
}

interface Comparison {
  readonly how: string;
  /** The settings of OpenSSL. */
  readonly file: string;
  readonly own: Subject;
  readonly bare: Subject;
  /** Only shown. */
  readonly others: readonly Subject[];
}

async function compareAll(
  run: BenchRun,
  { how, file, own, bare, others }: Comparison,
): Promise<Figure[]> {
  const all = [own, bare, ...others];
  const measure = ({ address, path }: Subject, seconds: number): Promise<WrkResult> =>
    wrk({
      ...{ address, path, seconds, connections: CONNECTIONS, reconnects: true },
      host: "dev.lever",
      body: '["world"]',
      env: { OPENSSL_CONF: file },
    });
  for (const subject of all) await measure(subject, 1);
  const seconds = Math.min(run.seconds, SECONDS_MAX);
  const results = await interleave(run, all, (subject) => measure(subject, seconds));
  const series = (of: Subject, what: keyof WrkResult): number[] =>
    (results.get(of) ?? []).map((result) => result[what]);
  const chart = `${how} handshakes: requests a second, each over a new connection`;
  const failed = series(own, "failed").reduce((sum, count) => sum + count, 0);
  return [
    ...all.map((of) =>
      measured(`${how}: ${of.name}, requests/s`, series(of, "perSecond"), {
        chart,
        label: of.name,
      }),
    ),
    atMost(`${how}: Lever, failed calls`, failed, 0),
    ...others.map((of) =>
      measured(
        `${how}: Lever / ${of.name}`,
        ratios(series(own, "perSecond"), series(of, "perSecond")),
      ),
    ),
    atLeast(
      `new HTTPS connections, ${how}: Lever / node:https`,
      ratios(series(own, "perSecond"), series(bare, "perSecond")),
      1,
    ),
  ];
}
