import type { VNode } from "preact";
import { useCalled } from "../../data/hooks.ts";
import { Failed } from "../../parts/empty.tsx";
import { Filter } from "../../parts/filter.tsx";
import { place } from "../../route.ts";

const grouped = new Intl.NumberFormat("en");

export function LimitTable(): VNode {
  const { value, failure } = useCalled("listLimits", []);
  if (failure !== undefined) return <Failed {...failure} />;
  const text = place.value.query.get("q")?.toLowerCase() ?? "";
  const shown = (value ?? []).filter(({ name, about }) =>
    `${name} ${about}`.toLowerCase().includes(text),
  );
  return (
    <section class="list" aria-label="Limits">
      <div class="tools">
        <Filter name="q" label="Filter limits" />
        <span class="muted end">lever up --limit name=value</span>
      </div>
      <table class="rows">
        <thead>
          <tr>
            <th class="name w-limit">Limit</th>
            <th class="num w-l">Value</th>
            <th class="opt">About</th>
          </tr>
        </thead>
        <tbody>
          {shown.map((of) => (
            <tr key={of.name}>
              <td class="name mono">{of.name}</td>
              <td class={of.value === of.default ? "num" : "num changed"}>
                {grouped.format(of.value)}
              </td>
              <td class="opt cut muted" title={of.about}>
                {of.value !== of.default && <b>default {grouped.format(of.default)}; </b>}
                {of.about}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
