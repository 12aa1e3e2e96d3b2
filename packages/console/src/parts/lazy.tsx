import { signal, useSignal } from "@preact/signals";
import type { VNode } from "preact";
import { useEffect } from "preact/hooks";

/** A part of the page in a file of its own, which is loaded when the part is first shown. */
export function lazy<Props extends object>(
  load: () => Promise<(props: Props) => VNode | null>,
): (props: Props) => VNode {
  const loaded = signal<{ readonly Part?: (props: Props) => VNode | null }>({});
  return (props) => {
    const hasFailed = useSignal(false);
    useEffect(() => {
      void load().then(
        (Part) => (loaded.value = { Part }),
        () => (hasFailed.value = true),
      );
    }, []);
    const { Part } = loaded.value;
    if (Part !== undefined) return <Part {...props} />;
    if (hasFailed.value)
      return <p class="none bad">This part did not load. Load the page again.</p>;
    return <div aria-busy="true" />;
  };
}
