import { FETCH_METHOD, formatLeverUrl, isStreamingName, methodSignature } from "@leveros/protocol";

/** A call that works as it stands, as far as the source shows. */
export interface ExampleCall {
  /** Without the environment. */
  readonly url: string;
  /** JSON texts. */
  readonly args: readonly string[];
}

/** Finds a regular method for which the source, JavaScript or TypeScript, shows arguments. */
export function exampleCall(
  source: string,
  { service, methods }: { service: string; methods: readonly string[] },
): ExampleCall | undefined {
  for (const method of methods) {
    if (isStreamingName(method) || method === FETCH_METHOD) continue;
    const { args, hasResource = false } = methodSignature(source, method) ?? {};
    if (args === undefined) continue;
    const resource = hasResource ? "example" : "";
    return { url: formatLeverUrl({ environment: "", service, resource, method }), args };
  }
  return undefined;
}
