/**
 * WebSocket (RFC 6455, with compression by RFC 7692) for both sides: frames,
 * the opening handshake, and the {@linkcode Websocket} object, over whatever
 * moves bytes. It does no I/O of its own.
 *
 * ```ts
 * import { FrameEvent, FrameReader } from "@uhttp/uhttp/websocket";
 * import { assertEquals } from "@std/assert";
 *
 * const reader = new FrameReader({ role: "client" });
 * reader.feed(new Uint8Array([0x81, 2, 0x68, 0x69]));
 * assertEquals(reader.next(), FrameEvent.MESSAGE);
 * assertEquals(reader.text, "hi");
 * assertEquals(reader.next(), FrameEvent.MORE);
 * ```
 *
 * @module
 */
export { HttpError } from "./parse/errors.ts";
export type { HeaderFields } from "./parse/fields.ts";
export type { ByteSink } from "./websocket/byte_sink.ts";
export {
  WebsocketError,
  type WebsocketErrorCode,
  websocketErrors,
} from "./websocket/errors.ts";
export {
  acceptDeflate,
  checkDeflateAnswer,
  type DeflateOptions,
  type DeflateParameters,
  type Extension,
  offerDeflate,
  parseExtensions,
} from "./websocket/extensions.ts";
export { Opcode, type WebsocketRole } from "./websocket/frame_head.ts";
export { writeFrame, writeFrameHead } from "./websocket/frame_writer.ts";
export {
  FrameEvent,
  FrameReader,
  type FrameReaderOptions,
} from "./websocket/frames.ts";
export {
  acceptKey,
  checkHandshake,
  checkHandshakeAnswer,
  chooseProtocol,
  type HandshakeAnswer,
  handshakeAnswer,
  type HandshakeOffer,
  type HandshakeRefusal,
  type HandshakeRequest,
  handshakeRequest,
  isAllowedOrigin,
  isHandshake,
  makeKey,
} from "./websocket/handshake.ts";
export { MessageStream } from "./websocket/message_stream.ts";
export type { WebsocketClose } from "./websocket/driver.ts";
export { Websocket, type WebsocketOptions } from "./websocket/websocket.ts";
export {
  type WebsocketEventMap,
  WebsocketEvents,
  type WebsocketMessage,
} from "./websocket/event_face.ts";
