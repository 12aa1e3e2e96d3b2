import type { VNode } from "preact";
import { useCalled } from "../../data/hooks.ts";
import { moment } from "../../format.ts";
import { Failed } from "../../parts/empty.tsx";

const SHOWN_MAX = 300;

export function Audit(): VNode {
  const { value, failure } = useCalled("listAudit", []);
  if (failure !== undefined) return <Failed {...failure} />;
  const shown = [...(value ?? [])].reverse().slice(0, SHOWN_MAX);
  return (
    <section class="list" aria-label="Audit">
      <table class="rows">
        <thead>
          <tr>
            <th class="w-moment">Time</th>
            <th class="name">Change</th>
            <th class="w-l opt">Environment</th>
            <th class="w-m opt">By</th>
            <th class="w-l">Outcome</th>
          </tr>
        </thead>
        <tbody>
          {shown.map((of, index) => (
            <tr key={index}>
              <td class="w-moment tabular">{moment(of.at)}</td>
              <td class="name cut">
                {of.method} <b>{of.target}</b>
                {of.version !== undefined && ` v${of.version}`}
              </td>
              <td class="opt cut muted">{of.environment === "*" ? "all" : of.environment}</td>
              <td class="opt mono muted">{of.principal}</td>
              <td class={of.outcome === "done" ? "muted" : "bad"}>
                {of.outcome.replaceAll("_", " ")}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {value?.length === 0 && <p class="none muted">Nothing has been changed yet.</p>}
    </section>
  );
}
