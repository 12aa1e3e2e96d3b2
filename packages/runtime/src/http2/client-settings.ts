import {
  ENABLE_PUSH,
  FLOW_CONTROL_ERROR,
  FRAME_BYTES_MAX,
  FRAME_SIZE_ERROR,
  Http2Error,
  INITIAL_WINDOW_SIZE,
  MAX_FRAME_SIZE,
  PROTOCOL_ERROR,
  SETTING_BYTES,
  WINDOW_BYTES_MAX,
} from "./frame.ts";

/**
 * Reads the settings of a client (RFC 9113, 6.5.2). Returns the bytes that each stream may send it unread; undefined = as before.
 * The other settings limit what a server of Lever does not send.
 * @throws Http2Error when one of them is not allowed.
 */
export function readClientSettings(payload: Buffer): number | undefined {
  if (payload.length % SETTING_BYTES !== 0) {
    throw new Http2Error(FRAME_SIZE_ERROR, "settings are cut off");
  }
  let streamWindow: number | undefined;
  for (let at = 0; at < payload.length; at += SETTING_BYTES) {
    const value = payload.readUInt32BE(at + 2);
    switch (payload.readUInt16BE(at)) {
      case ENABLE_PUSH:
        if (value > 1) throw new Http2Error(PROTOCOL_ERROR, "a setting is neither 0 nor 1");
        break;
      case MAX_FRAME_SIZE:
        // Frames of this side are never longer than the least that this may allow.
        if (value < FRAME_BYTES_MAX || value > 0xff_ffff) {
          throw new Http2Error(PROTOCOL_ERROR, "the size of frames is out of range");
        }
        break;
      case INITIAL_WINDOW_SIZE:
        if (value > WINDOW_BYTES_MAX) {
          throw new Http2Error(FLOW_CONTROL_ERROR, "a window is too large");
        }
        streamWindow = value;
        break;
    }
  }
  return streamWindow;
}
