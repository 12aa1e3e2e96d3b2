import { faultsIn, type PlantedFault } from "../planted-fault.ts";

const LINK = "protocol/src/link/link.test.ts";
const HOSTILE = "protocol/src/link/hostile-peer.test.ts";
const OUTPUT = "protocol/src/link/link-output.test.ts";
const TABLE = "protocol/src/link/call-table.test.ts";
const PARTIAL = "protocol/src/link/partial-message.test.ts";
const SHARED = "protocol/src/link/shared-message.test.ts";
const UNREAD = "protocol/src/link/unread-call.test.ts";
const CONTROL = "protocol/src/link/control-chunks.test.ts";

export const linkFaults: readonly PlantedFault[] = [
  ...faultsIn("protocol/src/link/link.ts", [
    [
      "Calls of the peer that have ended still count towards its limit.",
      "if (this.#calls.delete(id) && this.#isRemote(id)) this.#remoteCalls--;",
      "this.#calls.delete(id);",
      LINK,
    ],
    [
      "Arguments that never become complete stay when their call is over.",
      "    this.#openings.delete(id);\n    if (this.callsOpen",
      "    if (this.callsOpen",
      HOSTILE,
    ],
    [
      "A link that closes does not end its calls.",
      "call.lost(error, call.openedAt >= unreadFrom && !this.#isRemote(call.id));",
      "",
      LINK,
    ],
    [
      "A link can have any number of calls of its peer.",
      "this.#remoteCalls > this.#options.callsMax",
      "this.#remoteCalls < 0",
      LINK,
    ],
    [
      "Stored arguments have no limit.",
      "this.#storedBytes <= STORED_MESSAGES_MAX * this.messageBytesMax",
      "this.#storedBytes >= 0",
      HOSTILE,
    ],
    [
      "A peer can open a call with a number of this side.",
      "!this.#isRemote(id) || this.#calls.has(id)",
      "this.#calls.has(id)",
      HOSTILE,
    ],
    [
      "A peer that reads nothing is answered without a bound.",
      "this.output.checkUnread();",
      "",
      HOSTILE,
    ],
    [
      "A caller that waits is not told when the transport takes bytes again.",
      "for (const call of this.#calls.values()) call.drained();",
      "",
      LINK,
    ],
    ["An answer to a ping is lost.", "this.#pings.shift()?.();", "this.#pings.shift();", LINK],
    [
      "A call that ends with its arguments does not end for the service.",
      "if (isLast) call.events.onEnd();",
      "",
      LINK,
    ],
  ]),
  ...faultsIn("protocol/src/link/link-call.ts", [
    [
      "Arguments of calls that are over still count.",
      "this.#link.countStored(-this.#argumentsBytes, -largeBytes(this.#argumentsBytes));",
      "",
      HOSTILE,
    ],
    [
      "Incomplete messages of calls that are over still count.",
      "this.#link.countStored(-memoryBytes, -receivedBytes);",
      "",
      HOSTILE,
    ],
    [
      "A receiver that goes on grants no credit for what it has held back.",
      "this.#grantCredit(this.#pausedBytes - takenBack);",
      "",
      LINK,
    ],
    [
      "A receiver that is paused grants credit.",
      "if (!wasPaused && !this.#hasReceivedLast) this.#grantCredit(cost);",
      "if (!this.#hasReceivedLast) this.#grantCredit(cost);",
      LINK,
    ],
    ["A peer can send without credit.", "this.#receiveWindow -= cost;", "", HOSTILE],
    [
      "A call is over before its last bytes are sent.",
      "this.#hasReceivedLast && this.#outgoing.length === 0) this.#finish();",
      "this.#hasReceivedLast) this.#finish();",
      LINK,
    ],
    [
      "A call that has failed stays open.",
      "this.#hasSentLast = true;\n    this.#hasReceivedLast = true;",
      "this.#hasSentLast = true;",
      "protocol/src/link/failed-call.test.ts",
    ],
    ["A sender that waits for credit is never told to go on.", "this.events?.onDrain();", "", LINK],
    [
      "A call is aborted twice.",
      "receiveAbort(error: LeverError): void {\n    if (this.#isOver) return;",
      "receiveAbort(error: LeverError): void {",
      LINK,
    ],
    [
      "A stream ends for its receiver before its last message.",
      "if (!(flags & FLAG_EMPTY)) this.events?.onMessage(kind, bytes);",
      "if (!(flags & FLAG_LAST)) this.events?.onMessage(kind, bytes);",
      LINK,
    ],
    [
      "A message that begins after a longer one overtakes it.",
      "return this.#sendCredit > 0 && this.#outgoing.length === 0",
      "return this.#sendCredit > 0",
      LINK,
    ],
  ]),
  ...faultsIn("protocol/src/link/frame-writer.ts", [
    [
      "Bytes that have changed are taken for the message before.",
      " || !this.#isUnchanged(body)",
      "",
      SHARED,
    ],
    [
      "A message is shared across a frame of another call.",
      "if (body !== this.#message ||",
      "if (body.length !== this.#message?.length ||",
      SHARED,
    ],
    [
      "Any number of calls share a message.",
      "if (length === SHARING_CALLS_MAX * CALL_BYTES) this.#message = undefined;",
      "",
      SHARED,
    ],
  ]),
  ...faultsIn("protocol/src/link/link-output.ts", [
    [
      "A call that may have run is given to another instance.",
      "wasReset ? this.#lastWriteFrom : this.#writtenFrames",
      "wasReset ? 0 : this.#writtenFrames",
      UNREAD,
    ],
    [
      "A call that was read, with a part of its write, is given to another instance.",
      "parts.length === 1 ? this.#writtenFrames : frames - 1",
      "this.#writtenFrames",
      UNREAD,
    ],
    [
      "A large call blocks the others.",
      "if (call.pump()) this.#queued.add(call);",
      "if (call.pump()) while (call.pump());",
      OUTPUT,
    ],
    [
      "A transport that is full is written to.",
      "this.#options.write(parts, sharedBytes)) this.isSaturated = true;",
      "this.#options.write(parts, sharedBytes)) this.isSaturated = false;",
      OUTPUT,
    ],
    [
      "Frames that a peer does not read are not counted.",
      "this.#unreadBytes += HEADER_BYTES + payload.length;",
      "this.#unreadBytes += 0;",
      OUTPUT,
      HOSTILE,
    ],
    [
      "Frames that a peer has read still count.",
      "this.#unreadBytes = 0;\n    this.#pump();",
      "this.#pump();",
      OUTPUT,
    ],
    [
      "Queued chunks are not sent after the transport was full.",
      "this.#unreadBytes = 0;\n    this.#pump();",
      "this.#unreadBytes = 0;",
      OUTPUT,
    ],
  ]),
  ...faultsIn("protocol/src/link/call-table.ts", [
    [
      "Calls get lost when others end.",
      "this.#ids[free] = other;\n      this.#calls[free] = call;\n      free = slot;",
      "free = slot;",
      TABLE,
    ],
    ["Calls that have ended still count as open.", "    this.size--;", "", TABLE, LINK],
  ]),
  ...faultsIn("protocol/src/link/partial-message.ts", [
    [
      "A message can be longer than it was announced.",
      "this.#receivedBytes + chunk.length > this.#memory.length",
      "this.#receivedBytes < 0",
      PARTIAL,
    ],
    [
      "A message can be sent in any number of frames.",
      "if (chunk.length !== CHUNK_BYTES) throw unexpectedChunk(chunk.length);",
      "",
      PARTIAL,
      HOSTILE,
    ],
  ]),
  ...faultsIn("protocol/src/link/control-chunks.ts", [
    ["A control message has no limit.", "|| this.#bytes > CONTROL_BYTES_MAX", "", CONTROL],
    [
      "Control messages that have arrived still count.",
      "if (this.#bytes > 0) this.#owner.countStored(-this.#bytes);",
      "",
      CONTROL,
    ],
  ]),
];
