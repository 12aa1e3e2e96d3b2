/**
 * The Huffman code of HPACK (RFC 7541, appendix B) as the length of the code of each byte, in base 36. The code is canonical:
 * the codes follow from their lengths.
 */
const LENGTHS = [
  "dnsssssssoussussssssssusssssssss6aacd68baa8b8666555666666678f6ca",
  "d67777777777777777777777878djde6f56565666577666567655677777fbeds",
  "kmkkmmmnmnnnnnonoomnonnnnlmnmnnomlkmmnnlnmmolmnnllmlnmnnkmmmnmmn",
  "qqkjmnmpqqqrrqopjlqrrqrollqqsrrrkoklmllnmmppooqnqrqqrrrrrsrrrrrq",
].join("");
const LENGTH_MAX = 30;
/** Bits of ones that may fill the last byte. */
const PADDING_BITS_MAX = 7;

/** The codes of one length: they are consecutive, and so are their bytes in `order`. */
interface CodesOfLength {
  readonly first: number;
  readonly count: number;
  readonly from: number;
}

const { order, byLength } = canonicalCodes();

function canonicalCodes(): { order: number[]; byLength: CodesOfLength[] } {
  const order: number[] = [];
  const byLength: CodesOfLength[] = [];
  let code = 0;
  for (let length = 0; length <= LENGTH_MAX; length++, code *= 2) {
    const from = order.length;
    for (let byte = 0; byte < LENGTHS.length; byte++) {
      if (Number.parseInt(LENGTHS.charAt(byte), 36) === length) order.push(byte);
    }
    const count = order.length - from;
    byLength.push({ first: code, count, from });
    code += count;
  }
  return { order, byLength };
}

/** Decodes a text. @throws Error when the bytes are not the code of one. */
export function decodeHuffman(bytes: Uint8Array): string {
  const decoded: number[] = [];
  let code = 0;
  let length = 0;
  for (const byte of bytes) {
    for (let bit = 7; bit >= 0; bit--) {
      code = code * 2 + ((byte >> bit) & 1);
      length++;
      const codes = byLength[length];
      if (codes === undefined) throw new Error("a text in a header has an unknown code");
      const index = code - codes.first;
      if (index < 0 || index >= codes.count) continue;
      decoded.push(order[codes.from + index] ?? 0);
      code = 0;
      length = 0;
    }
  }
  const isPadding = length <= PADDING_BITS_MAX && code === 2 ** length - 1;
  if (!isPadding) throw new Error("a text in a header is cut off");
  return Buffer.from(decoded).toString("latin1");
}
