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

/**
 * The code as a machine that reads four bits at a time. A state is a node of the code's tree, that is, the bits since the
 * last complete code. No code is shorter than five bits, so four bits complete at most one.
 */
interface Machine {
  /** By state and the next four bits: the next state, and above it the byte that is complete, plus one. */
  readonly steps: Uint32Array;
  /** States in which a text may end: the bits since its last byte are padding. */
  readonly isEnd: Uint8Array;
}

const STATE_BITS = 9;
const STATE_MASK: number = 2 ** STATE_BITS - 1;
/** The bits are not the code of any byte. */
const UNKNOWN: number = STATE_MASK;

let machine: Machine | undefined;

/** A node: its two children, by the next bit. A number is the byte that is complete. */
type Node = [zero: Node | number | undefined, one: Node | number | undefined];

function codeTree(): Node {
  const root: Node = [undefined, undefined];
  let code = 0;
  for (let length = 1; length <= LENGTH_MAX; length++) {
    code *= 2;
    for (let byte = 0; byte < LENGTHS.length; byte++) {
      if (Number.parseInt(LENGTHS.charAt(byte), 36) !== length) continue;
      addCode(root, code, { length, byte });
      code++;
    }
  }
  return root;
}

function addCode(
  root: Node,
  code: number,
  { length, byte }: { length: number; byte: number },
): void {
  let node = root;
  for (let shift = length - 1; shift > 0; shift--) {
    const bit = (code >>> shift) & 1;
    const next = node[bit];
    if (typeof next === "object") node = next;
    else {
      const added: Node = [undefined, undefined];
      node[bit] = added;
      node = added;
    }
  }
  node[code & 1] = byte;
}

function makeMachine(): Machine {
  const root = codeTree();
  const states: Node[] = [root];
  const stateOf = new Map<Node, number>([[root, 0]]);
  // Nodes are added while they are visited.
  for (const node of states) {
    for (const child of node) {
      if (typeof child !== "object") continue;
      stateOf.set(child, states.length);
      states.push(child);
    }
  }
  const steps = new Uint32Array(states.length * 16);
  for (const [state, node] of states.entries()) {
    for (let bits = 0; bits < 16; bits++) {
      let at: Node | undefined = node;
      let complete = 0;
      for (let shift = 3; shift >= 0 && at !== undefined; shift--) {
        const next: Node | number | undefined = at[(bits >>> shift) & 1];
        if (typeof next === "number") {
          complete = next + 1;
          at = root;
        } else at = next;
      }
      const next = at === undefined ? UNKNOWN : (stateOf.get(at) ?? UNKNOWN);
      steps[state * 16 + bits] = (complete << STATE_BITS) | next;
    }
  }
  const isEnd = new Uint8Array(STATE_MASK + 1);
  let padding: Node | number | undefined = root;
  for (let bits = 0; bits <= PADDING_BITS_MAX && typeof padding === "object"; bits++) {
    isEnd[stateOf.get(padding) ?? 0] = 1;
    padding = padding[1];
  }
  return { steps, isEnd };
}

/** Memory for decoded texts. No code is shorter than five bits. */
let decoded: Buffer = Buffer.allocUnsafe(1024);

/** Decodes a text. @throws Error when the bytes are not the code of one. */
export function decodeHuffman(bytes: Uint8Array): string {
  machine ??= makeMachine();
  const { steps, isEnd } = machine;
  if (bytes.length * 2 > decoded.length) decoded = Buffer.allocUnsafe(bytes.length * 2);
  let length = 0;
  let state = 0;
  for (const byte of bytes) {
    for (let shift = 4; shift >= 0; shift -= 4) {
      const step = steps[state * 16 + ((byte >>> shift) & 15)] ?? UNKNOWN;
      state = step & STATE_MASK;
      if (state === UNKNOWN) throw new Error("a text in a header has an unknown code");
      if (step > STATE_MASK) decoded[length++] = (step >>> STATE_BITS) - 1;
    }
  }
  if (isEnd[state] !== 1) throw new Error("a text in a header is cut off");
  return decoded.toString("latin1", 0, length);
}
