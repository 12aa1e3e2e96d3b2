import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";

export interface VisibleRows {
  /** The element that has the rows. */
  readonly body: { current: HTMLTableSectionElement | null };
  readonly first: number;
  readonly count: number;
}

/** The rows of one height that are seen of a long list. `scroller` finds the element that scrolls it. */
export function useVisibleRows(height: number, scroller: () => HTMLElement | null): VisibleRows {
  const body = useRef<HTMLTableSectionElement>(null);
  const first = useSignal(0);
  const count = useSignal(24);
  useEffect(() => {
    const main = scroller();
    if (main === null) return;
    const measure = (): void => {
      const top = body.current?.getBoundingClientRect().top ?? 0;
      const hidden = main.getBoundingClientRect().top - top;
      first.value = Math.max(0, Math.floor(hidden / height));
      count.value = Math.ceil(main.clientHeight / height);
    };
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(main);
    main.addEventListener("scroll", measure, { passive: true });
    return () => {
      observer.disconnect();
      main.removeEventListener("scroll", measure);
    };
  }, []);
  return { body, first: first.value, count: count.value };
}
