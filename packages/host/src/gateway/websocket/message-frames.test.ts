import { once } from "node:events";
import { Duplex } from "node:stream";
import { PAYLOAD_BYTES, PAYLOAD_JSON } from "@leveros/protocol";
import { expect, it } from "vitest";
import { MessageWriter } from "../message-writer.ts";
import { framesOf } from "./message-frames.ts";

/** A connection, and the pieces that were written to it. */
function recorded(): {
  readonly writer: MessageWriter;
  readonly pieces: Buffer[];
  readonly connection: Duplex;
} {
  const pieces: Buffer[] = [];
  const connection = new Duplex({
    read() {},
    write(piece: Buffer, _encoding, done) {
      pieces.push(piece);
      done();
    },
  });
  return { writer: new MessageWriter(connection, framesOf), pieces, connection };
}

const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));
const [first, second] = [Buffer.from('"Hello"'), Buffer.from('"you"')];

it("the messages of one turn are one write", async () => {
  const { writer, pieces } = recorded();
  writer.write(PAYLOAD_JSON, first);
  writer.write(PAYLOAD_BYTES, second);
  expect(pieces).toEqual([]);
  await turn();
  expect(pieces).toEqual([Buffer.from('\x81\x07"Hello"\x82\x05"you"', "latin1")]);
});

it("messages to many WebSockets are put in frames once", async () => {
  const members = [recorded(), recorded(), recorded()];
  for (const { writer } of members) writer.write(PAYLOAD_JSON, first);
  members[0]?.writer.write(PAYLOAD_JSON, second);
  members[1]?.writer.write(PAYLOAD_JSON, second);
  members[2]?.writer.write(PAYLOAD_BYTES, second);
  await turn();
  const [a, b, c] = members.map(({ pieces }) => pieces);
  expect(a).toEqual([Buffer.from('\x81\x07"Hello"\x81\x05"you"', "latin1")]);
  expect(b?.[0]?.buffer).toBe(a?.[0]?.buffer);
  expect(b).toEqual(a);
  expect(c).toEqual([Buffer.from('\x81\x07"Hello"\x82\x05"you"', "latin1")]);
});

it("a long payload is written without a copy, between its neighbours", async () => {
  const { writer, pieces } = recorded();
  const long = Buffer.alloc(5_000, "x");
  for (const bytes of [first, long, second]) writer.write(PAYLOAD_JSON, bytes);
  await turn();
  expect(pieces.map(({ length }) => length)).toEqual([9 + 4, 5_000, 7]);
  expect(pieces[1]).toBe(long);
});

it("a flush in the middle of a turn keeps the order", async () => {
  const [one, other] = [recorded(), recorded()];
  for (const { writer } of [one, other]) writer.write(PAYLOAD_JSON, first);
  one.writer.flush();
  for (const { writer } of [one, other]) writer.write(PAYLOAD_JSON, second);
  await turn();
  const text = Buffer.from('\x81\x07"Hello"\x81\x05"you"', "latin1");
  expect(Buffer.concat(one.pieces)).toEqual(text);
  expect(Buffer.concat(other.pieces)).toEqual(text);
});

it.each([
  [4_000, 70],
  [1, 300_000],
])("a writer that is full of %i messages of %i bytes drains", async (count, bytes) => {
  const { writer, connection } = recorded();
  const message = Buffer.alloc(bytes, "x");
  for (let n = 0; n < count; n++) writer.write(PAYLOAD_BYTES, message);
  expect(writer.isFull).toBe(true);
  // The connection takes all at once.
  await once(connection, "drain");
  expect(writer.isFull).toBe(false);
});
