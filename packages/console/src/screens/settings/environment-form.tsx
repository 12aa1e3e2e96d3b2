import type { EnvironmentListing } from "@leveros/protocol";
import { useSignal } from "@preact/signals";
import type { VNode } from "preact";
import { admin } from "../../data/admin.ts";
import { Confirm } from "../../parts/confirm.tsx";

/** A form for who may call the services of an environment, and what they reach. Only changed fields are set. */
export function EnvironmentForm(props: {
  environment: EnvironmentListing;
  onDone: () => void;
  onClose: () => void;
}): VNode {
  const { environment, corsOrigins, network, ...of } = props.environment;
  const isPublic = useSignal(of.public);
  const origins = useSignal(corsOrigins.join(" "));
  const reached = useSignal(typeof network === "string" ? network : network.join(" "));
  const run = async (): Promise<void> => {
    const [wantedOrigins, wantedNetwork] = [listOf(origins.value), listOf(reached.value)];
    if (isPublic.value !== of.public) await admin("setPublic", environment, isPublic.value);
    if (wantedOrigins.join() !== corsOrigins.join()) {
      await admin("setCorsOrigins", environment, wantedOrigins);
    }
    if (wantedNetwork.join() !== [network].flat().join()) {
      const [only = "none", ...others] = wantedNetwork;
      const isWord = others.length === 0 && (only === "internet" || only === "none");
      await admin("setNetwork", environment, isWord ? only : wantedNetwork);
    }
    props.onDone();
  };
  return (
    <Confirm title={environment} action="Save" run={run} onClose={props.onClose}>
      <label class="check">
        <input
          type="checkbox"
          checked={isPublic.value}
          onChange={({ currentTarget }) => (isPublic.value = currentTarget.checked)}
        />
        Everyone may call its services, without a token
      </label>
      <label class="stack">
        <span class="label">Origins whose pages may call; * for any</span>
        <input
          placeholder="https://app.example"
          value={origins.value}
          onInput={({ currentTarget }) => (origins.value = currentTarget.value)}
        />
      </label>
      <label class="stack">
        <span class="label">What its instances reach: internet, none, or addresses and names</span>
        <input
          placeholder="dns db.example.com:5432"
          value={reached.value}
          onInput={({ currentTarget }) => (reached.value = currentTarget.value)}
        />
      </label>
    </Confirm>
  );
}

function listOf(text: string): readonly string[] {
  return text.split(/[\s,]+/).filter(Boolean);
}
