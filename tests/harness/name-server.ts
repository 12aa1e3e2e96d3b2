import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";

const A_RECORD = 1;
const NO_ERROR = 0x8180;
const NAME_ERROR = 0x8183;
const SERVER_FAILURE = 0x8182;
const HEADER_BYTES = 12;

/** A DNS server on loopback that returns the addresses that a test sets (RFC 1035). */
export class NameServer implements Disposable {
  /** The addresses of each name; `fails` = the server cannot say. Other names do not exist. */
  readonly names = new Map<string, readonly string[] | "fails">();
  readonly #socket: Socket;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("message", (query, { port, address }) => {
      socket.send(this.#answer(query), port, address);
    });
  }

  static async start(options: { address?: string; port?: number } = {}): Promise<NameServer> {
    const { address = "127.0.0.1", port = 0 } = options;
    const socket = createSocket("udp4");
    await once(socket.bind(port, address), "listening");
    return new NameServer(socket);
  }

  /** `127.0.0.1:port` */
  get address(): string {
    const { address, port } = this.#socket.address();
    return `${address}:${port}`;
  }

  [Symbol.dispose](): void {
    this.#socket.close();
  }

  #answer(query: Buffer): Buffer {
    let end = HEADER_BYTES;
    const labels: string[] = [];
    for (let length = query[end] ?? 0; length > 0; length = query[end] ?? 0) {
      labels.push(query.toString("latin1", end + 1, end + 1 + length));
      end += 1 + length;
    }
    const question = query.subarray(HEADER_BYTES, end + 5);
    const found = this.names.get(labels.join(".").toLowerCase());
    const isAddress = query.readUInt16BE(end + 1) === A_RECORD;
    const addresses = found === undefined || found === "fails" || !isAddress ? [] : found;
    const header = Buffer.alloc(HEADER_BYTES);
    query.copy(header, 0, 0, 2);
    const failure = found === "fails" ? SERVER_FAILURE : NAME_ERROR;
    header.writeUInt16BE(Array.isArray(found) ? NO_ERROR : failure, 2);
    header.writeUInt16BE(1, 4);
    header.writeUInt16BE(addresses.length, 6);
    const records = addresses.map((of) =>
      // The name at byte 12, type A, class IN, 30 s, four bytes.
      Buffer.from([0xc0, 12, 0, A_RECORD, 0, 1, 0, 0, 0, 30, 0, 4, ...of.split(".").map(Number)]),
    );
    return Buffer.concat([header, question, ...records]);
  }
}
