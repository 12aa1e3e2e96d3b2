import { request } from "node:http";

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
  readonly text: string;
  /** The body as JSON. @throws SyntaxError */
  json(): unknown;
}

export interface HttpCallOptions {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
  /** Ends the request. */
  readonly signal?: AbortSignal;
}

/** One HTTP request with Node's own client, and its whole answer. */
export function httpCall(
  address: string,
  path: string,
  options: HttpCallOptions = {},
): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      `http://${address}${path}`,
      {
        method: options.method ?? "POST",
        headers: options.headers ?? {},
        agent: false,
        signal: options.signal,
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("error", reject);
        response.on("end", () => {
          const body = Buffer.concat(chunks);
          const text = body.toString("utf8");
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body,
            text,
            json: () => JSON.parse(text) as unknown,
          });
        });
      },
    );
    outgoing.on("error", reject);
    outgoing.end(options.body);
  });
}

/** Calls a method in `dev.lever` with a list of arguments. */
export function callMethod(
  address: string,
  path: string,
  args: readonly unknown[] | string,
): Promise<HttpAnswer> {
  return httpCall(address, `${path}?forceenv=dev.lever`, {
    headers: { "content-type": "application/json" },
    body: typeof args === "string" ? args : JSON.stringify(args),
  });
}

/** Deploys an archive as any client may: by the admin service's streaming method. */
export function deployArchive(
  address: string,
  archive: Buffer,
  environment = "dev.lever",
  token?: string,
): Promise<HttpAnswer> {
  const first = Buffer.from(`${JSON.stringify([environment, { report: true }])}\n`);
  return httpCall(address, "/admin/deployServiceChan?forceenv=admin.lever", {
    headers: {
      "content-type": "application/octet-stream",
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
    },
    body: Buffer.concat([first, archive]),
  });
}
