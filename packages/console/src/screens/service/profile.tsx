import { useSignal } from "@preact/signals";
import type { RemoteStream } from "leveros";
import type { VNode } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { adminStream, failureOf } from "../../data/admin.ts";
import { bytes } from "../../format.ts";
import { Dialog } from "../../parts/dialog.tsx";
import { save } from "../../parts/save.ts";
import { Segments } from "../../parts/segments.tsx";
import { environment } from "../../route.ts";

type Kind = "cpu" | "heap";
const kinds: readonly (readonly [Kind, string])[] = [
  ["cpu", "Processor time"],
  ["heap", "Heap"],
];

const SECONDS = 10;
/** A larger snapshot would not fit into the page: the command writes it to a file. */
const BYTES_MAX = 1e9;

/** Takes a profile of an instance, and saves it for the browser's developer tools. */
export function ProfileDialog(props: { instance: string; onClose: () => void }): VNode {
  const { instance, onClose } = props;
  const kind = useSignal<Kind>("cpu");
  const received = useSignal<number | undefined>(undefined);
  const outcome = useSignal<{ readonly text: string; readonly isBad: boolean } | undefined>(
    undefined,
  );
  const stream = useRef<RemoteStream | undefined>(undefined);
  useEffect(() => () => stream.current?.cancel(), []);
  const take = async (): Promise<void> => {
    received.value = 0;
    outcome.value = undefined;
    const isHeap = kind.value === "heap";
    try {
      const options = isHeap ? { heap: true } : { seconds: SECONDS };
      stream.current = await adminStream("profileChan", environment(), instance, options);
      const parts: Uint8Array<ArrayBuffer>[] = [];
      for await (const part of stream.current) {
        parts.push(part as Uint8Array<ArrayBuffer>);
        received.value += parts.at(-1)?.length ?? 0;
        if (received.value > BYTES_MAX) throw new Error(`It has more than ${bytes(BYTES_MAX)}.`);
      }
      const name = `${instance}.${isHeap ? "heapsnapshot" : "cpuprofile"}`;
      save(new Blob(parts), name);
      outcome.value = { text: `Saved as ${name}, ${bytes(received.value)}.`, isBad: false };
    } catch (error) {
      outcome.value = { text: failureOf(error).message, isBad: true };
    }
    received.value = undefined;
  };
  return (
    <Dialog title={`Profile ${instance}`} onClose={onClose}>
      <Segments
        label="Kind"
        options={kinds}
        value={kind.value}
        onChange={(to) => (kind.value = to)}
      />
      <p class="muted">
        {kind.value === "cpu"
          ? `Where it spends ${SECONDS} seconds. It goes on taking calls.`
          : "What is in its memory. It takes no calls while the snapshot is made, and its memory about doubles."}{" "}
        Open the file in the developer tools of Chrome.
      </p>
      <p role="status" class={outcome.value?.isBad === true ? "bad" : ""}>
        {received.value === undefined
          ? outcome.value?.text
          : received.value === 0
            ? "Running…"
            : bytes(received.value)}
      </p>
      <div class="actions end">
        <button
          type="button"
          class="primary"
          disabled={received.value !== undefined}
          onClick={() => void take()}
        >
          Take a profile
        </button>
      </div>
    </Dialog>
  );
}
