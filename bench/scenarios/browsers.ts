import { atLeast, atMost, type Figure, measured, ratios } from "../figure.ts";
import { interleave } from "../interleave.ts";
import { lever } from "../peers/lever.ts";
import type { Scenario } from "../scenario.ts";
import { type WrkRun, wrk } from "../wrk.ts";

const CONNECTIONS = 32;
const SECONDS_MAX = 2;

/** A form of the same request. */
interface Form {
  readonly name: string;
  readonly request: Pick<WrkRun, "fields" | "isChunked" | "hasPreflight">;
  /** The promised part of the rate of plain requests. */
  readonly promise?: number;
}

const origin = { Origin: "https://app.example" };
/** A call by `fetch` of a page in Chrome. */
const browser = {
  ...origin,
  Connection: "keep-alive",
  "sec-ch-ua-platform": '"Windows"',
  "User-Agent":
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
  "sec-ch-ua": '"Chromium";v="140", "Not=A?Brand";v="24", "Google Chrome";v="140"',
  DNT: "1",
  "sec-ch-ua-mobile": "?0",
  Accept: "*/*",
  "Sec-Fetch-Site": "cross-site",
  "Sec-Fetch-Mode": "cors",
  "Sec-Fetch-Dest": "empty",
  Referer: "https://app.example/",
  "Accept-Encoding": "gzip, deflate, br, zstd",
  "Accept-Language": "en-GB,en-US;q=0.9,en;q=0.8,de;q=0.7",
  Cookie: "theme=dark; session=3a7bd3e2360a3d29eea436fcfb7e44c8",
};

const plain: Form = { name: "plain", request: {} };
const forms: readonly Form[] = [
  plain,
  { name: "with an Origin", request: { fields: origin }, promise: 0.85 },
  { name: "with the headers of a browser", request: { fields: browser }, promise: 0.85 },
  { name: "with a chunked body", request: { isChunked: true }, promise: 0.75 },
  {
    name: "plain, on a connection that began with a preflight",
    request: { hasPreflight: true },
    promise: 0.85,
  },
];

export const browsers: Scenario = {
  name: "browsers",
  group: "off-path",
  about: `the requests that pages and other clients send, beside plain ones, at ${CONNECTIONS} connections (wrk)`,
  async run(run): Promise<readonly Figure[]> {
    await using host = await lever.start();
    const { port, host: name, path } = host;
    const call = ({ request }: Form, seconds: number) =>
      wrk({
        address: `127.0.0.1:${port}`,
        path: `${path}sayHello`,
        host: name,
        body: '["world"]',
        connections: CONNECTIONS,
        seconds,
        ...request,
      });
    for (const form of forms) await call(form, 1);
    const seconds = Math.min(run.seconds, SECONDS_MAX);
    const results = await interleave(run, forms, (form) => call(form, seconds));
    const rates = (form: Form) => (results.get(form) ?? []).map(({ perSecond }) => perSecond);
    const failed = [...results.values()].flat().reduce((sum, result) => sum + result.failed, 0);
    const chart = "requests a second";
    return [
      ...forms.map((form) =>
        measured(`${form.name}, requests/s`, rates(form), { chart, label: form.name }),
      ),
      ...forms.flatMap((form) => {
        const values: [string, number[]] = [
          `a request ${form.name} / plain`,
          ratios(rates(form), rates(plain)),
        ];
        return form.promise === undefined ? [] : [atLeast(...values, form.promise)];
      }),
      atMost("failed calls", failed, 0),
    ];
  },
};
