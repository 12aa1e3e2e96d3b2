import type { LogRecord } from "@leveros/protocol";
import { useSignal } from "@preact/signals";
import type { VNode } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import type { Newest } from "../../data/ring.ts";
import { count, timeOfDay } from "../../format.ts";
import { ColoredText } from "../../parts/colored-text.tsx";
import { Density } from "../../parts/density.tsx";
import { Icon } from "../../parts/icon.tsx";
import { useVisibleRows } from "../../parts/visible-rows.ts";

const ROW = 20;
const MARGIN = 10;
/** The end is shown, as long as nobody scrolls away from it. */
const AT_END = 24;

/** Records, one a row: of several lines the first one. */
export function LogLines(props: {
  records: Newest<LogRecord>;
  hasService: boolean;
  chosen: LogRecord | undefined;
  onChoose: (record: LogRecord) => void;
}): VNode {
  const { records, hasService, chosen, onChoose } = props;
  const { items, from } = records;
  const scroller = useRef<HTMLDivElement>(null);
  const visible = useVisibleRows(ROW, () => scroller.current);
  const isAtEnd = useSignal(true);
  const seen = useSignal(0);
  const last = from + items.length;
  useLayoutEffect(() => {
    const element = scroller.current;
    if (element === null || !isAtEnd.value) return;
    element.scrollTop = element.scrollHeight;
    seen.value = last;
  }, [last]);
  const onScroll = (): void => {
    const element = scroller.current;
    if (element === null) return;
    const left = element.scrollHeight - element.scrollTop - element.clientHeight;
    isAtEnd.value = left < AT_END;
    if (isAtEnd.value) seen.value = last;
  };
  const toEnd = (): void => {
    scroller.current?.scrollTo(0, scroller.current.scrollHeight);
  };
  const begin = Math.max(0, Math.min(visible.first - MARGIN, items.length));
  const end = Math.min(items.length, visible.first + visible.count + MARGIN);
  const jump = (record: LogRecord): void => {
    scroller.current?.scrollTo(0, items.indexOf(record) * ROW);
  };
  return (
    <div class="log-frame">
      <Density label="Records" items={items} isBad={isError} onJump={jump} />
      <section ref={scroller} class="log-scroller" onScroll={onScroll} aria-label="Records">
        <table class="log-lines" aria-rowcount={items.length}>
          <colgroup>
            <col class="time" />
            {hasService && <col class="service" />}
            <col class="level" />
            <col />
          </colgroup>
          <tbody ref={visible.body}>
            <tr class="space" style={{ height: `${begin * ROW}px` }} />
            {items.slice(begin, end).map((record, index) => (
              <Line
                key={from + begin + index}
                index={begin + index}
                record={record}
                hasService={hasService}
                isChosen={record === chosen}
                onChoose={onChoose}
              />
            ))}
            <tr class="space" style={{ height: `${(items.length - end) * ROW}px` }} />
          </tbody>
        </table>
        {items.length === 0 && <p class="none muted">Nothing has been printed that matches.</p>}
      </section>
      {!isAtEnd.value && last > seen.value && (
        <button type="button" class="new-lines" onClick={toEnd}>
          <Icon name="down" />
          {count(last - seen.value)} new
        </button>
      )}
    </div>
  );
}

const isError = ({ level }: LogRecord): boolean => level === "error";

function Line(props: {
  index: number;
  record: LogRecord;
  hasService: boolean;
  isChosen: boolean;
  onChoose: (record: LogRecord) => void;
}): VNode {
  const { index, record, hasService, isChosen, onChoose } = props;
  const { at, service, level, text } = record;
  const lines = text.trimEnd().split("\n");
  return (
    <tr class={`${level}${isChosen ? " chosen" : ""}`} aria-rowindex={index + 1}>
      <td class="time">
        <time dateTime={at} title={at}>
          {timeOfDay(at)}
        </time>
      </td>
      {hasService && <td class="service">{service}</td>}
      <td class="level">{level}</td>
      <td class="words">
        <button type="button" data-row onClick={() => onChoose(record)}>
          <ColoredText text={lines[0] ?? ""} />
          {lines.length > 1 && (
            <span class="more-lines">
              +{lines.length - 1} {lines.length === 2 ? "line" : "lines"}
            </span>
          )}
        </button>
      </td>
    </tr>
  );
}
