import type { MethodStats, ServiceDetails } from "@leveros/protocol";
import type { VNode } from "preact";
import { count, duration, rate, share } from "../../format.ts";
import { href } from "../../route.ts";

/** The methods of a service, the busiest first. */
export function Methods({ service: of }: { service: ServiceDetails }): VNode {
  const { service, methods, methodStats } = of;
  const called = new Set(methodStats.map(({ method }) => method));
  const rows = [
    ...[...methodStats].sort((a, b) => b.callsPerSecond - a.callsPerSecond || b.calls - a.calls),
    ...methods.filter((method) => !called.has(method)).map(neverCalled),
  ];
  return (
    <section class="list" aria-label="Methods">
      <table class="rows">
        <thead>
          <tr>
            <th class="name">Method</th>
            <th class="num w-m">Calls</th>
            <th class="num w-m opt">p50</th>
            <th class="num w-m">p95</th>
            <th class="num w-m opt">p99</th>
            <th class="num w-m">Errors</th>
            <th class="num w-l opt">Since the start</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.method} class="link">
              <td class="name">
                <a data-row href={href(["call"], { m: `${service}/${row.method}` })}>
                  {row.method}
                </a>
              </td>
              <td class="num">{rate(row.callsPerSecond)}</td>
              <td class="num opt">{duration(row.p50Ms)}</td>
              <td class="num">{duration(row.p95Ms)}</td>
              <td class="num opt">{duration(row.p99Ms)}</td>
              <td class={row.errorsPerSecond > 0 ? "num bad" : "num muted"}>
                {share(row.errorsPerSecond, row.callsPerSecond)}
              </td>
              <td class="num opt muted">{count(row.calls)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function neverCalled(method: string): MethodStats {
  const none = { callsPerSecond: 0, errorsPerSecond: 0, p50Ms: null, p95Ms: null, p99Ms: null };
  return { method, ...none, calls: 0, errors: 0 };
}
