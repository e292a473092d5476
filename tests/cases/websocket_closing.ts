import type { WebsocketRole } from "../../websocket.ts";

/**
 * How a WebSocket comes to its end. What happens, in order: frames of the peer
 * ("text:a", "ping:p", "close:1000:why", "close", "bad" for one that breaks a
 * rule); what the application does ("app text:b", "app close:1000:why"); and
 * moves of the protocol by name.
 */
export interface ClosingRow {
  name: string;
  /** Section of RFC 6455; "house" for ours. */
  rfc: string;
  /** Whose side it is; both where it is left out. */
  role?: WebsocketRole;
  happens: string[];
  /** What the application sees; last of all "closed:1000:why:clean", or ":lost". */
  seen: string[];
  /** What the peer is sent. */
  sent: string[];
  /** What becomes of the connection; nothing where that is gone, or waits. */
  end: "end" | "destroy" | "";
  /**
   * Whether our close frame waits, or the application takes its time, just as
   * the row says: then it is of the protocol alone.
   */
  isOfProtocol?: boolean;
}

export const closingRows: ClosingRow[] = [
  {
    name: "a server closes and is answered",
    rfc: "7.1.1",
    role: "server",
    happens: ["app close:3001:done", "sent", "close:3001:"],
    seen: ["closed:3001::clean"],
    sent: ["close:3001:done"],
    end: "end",
  },
  {
    name: "a client closes, and lets the server close the connection",
    rfc: "7.1.1",
    role: "client",
    happens: ["app close:1000:", "sent", "close:1000:"],
    seen: ["closed:1000::clean"],
    sent: ["close:1000:"],
    end: "",
  },
  {
    name: "a client waits until the server has closed the connection",
    rfc: "7.1.1",
    role: "client",
    happens: ["app close:1000:", "sent", "close:1000:", "inputEnded"],
    seen: ["closed:1000::clean"],
    sent: ["close:1000:"],
    end: "end",
  },
  {
    name: "a client does not wait for that for ever",
    rfc: "7.1.1",
    role: "client",
    happens: ["close:1000:bye", "rested", "sent", "timeUp"],
    seen: ["closed:1000:bye:clean"],
    sent: ["close:1000:"],
    end: "end",
  },
  {
    name: "a client whose connection is gone waits no longer",
    rfc: "7.1.1",
    role: "client",
    happens: ["close:1000:bye", "rested", "sent", "gone"],
    seen: ["closed:1000:bye:clean"],
    sent: ["close:1000:"],
    end: "",
  },
  {
    name: "a server answers a close with its code",
    rfc: "5.5.1",
    role: "server",
    happens: ["close:4321:bye", "rested", "sent"],
    seen: ["closed:4321:bye:clean"],
    sent: ["close:4321:"],
    end: "end",
  },
  {
    name: "a close without a code is answered by one",
    rfc: "7.1.5",
    role: "server",
    happens: ["close", "rested", "sent", "gone"],
    seen: ["closed:1005::clean"],
    sent: ["close:1005:"],
    end: "end",
  },
  {
    name: "both close at once",
    rfc: "5.5.1",
    role: "server",
    happens: ["app close:1000:ours", "sent", "close:1001:theirs"],
    seen: ["closed:1001:theirs:clean"],
    sent: ["close:1000:ours"],
    end: "end",
  },
  {
    name: "nothing counts behind our close but the peer's",
    rfc: "5.5.1",
    role: "server",
    happens: [
      ...["text:a", "app close:1000:", "sent"],
      ...["text:b", "ping:p", "app text:c", "close:1000:"],
    ],
    seen: ["text:a", "closed:1000::clean"],
    sent: ["close:1000:"],
    end: "end",
  },
  {
    name: "nothing counts behind the peer's close",
    rfc: "5.5.1",
    role: "server",
    happens: ["ping:p", "close:1000:", "text:a", "bad", "rested", "sent"],
    seen: ["closed:1000::clean"],
    sent: ["pong:p", "close:1000:"],
    end: "end",
  },
  {
    name: "the application has the last word",
    rfc: "5.5.1",
    role: "server",
    happens: [
      ...["text:a", "close:1000:", "app text:b", "rested"],
      ...["app text:c", "sent", "app text:d"],
    ],
    seen: ["text:a", "closed:1000::clean"],
    sent: ["text:b", "close:1000:"],
    end: "end",
    isOfProtocol: true,
  },
  {
    name: "a close of ours that is queued answers the peer's",
    rfc: "5.5.1",
    role: "server",
    happens: ["app close:1000:", "close:1001:", "app close:1002:", "sent"],
    seen: ["closed:1001::clean"],
    sent: ["close:1000:"],
    end: "end",
    isOfProtocol: true,
  },
  {
    name: "a close of ours that is queued answers a fault",
    rfc: "7.1.7",
    role: "client",
    happens: ["app close:1000:", "bad", "sent"],
    seen: ["fault:1002", "closed:1002:Frame has a reserved bit set:lost"],
    sent: ["close:1000:"],
    end: "end",
    isOfProtocol: true,
  },
  {
    name: "a fault is answered, and a client then waits for nothing",
    rfc: "7.1.7",
    happens: ["text:a", "bad", "text:b", "rested", "sent"],
    seen: [
      "text:a",
      "fault:1002",
      "closed:1002:Frame has a reserved bit set:lost",
    ],
    sent: ["close:1002:Frame has a reserved bit set"],
    end: "end",
  },
  {
    name: "a fault behind our close is not answered again",
    rfc: "7.1.7",
    happens: ["app close:1000:", "sent", "bad"],
    seen: ["fault:1002", "closed:1002:Frame has a reserved bit set:lost"],
    sent: ["close:1000:"],
    end: "end",
  },
  {
    name: "the peer closes the connection without a word",
    rfc: "7.1.5",
    happens: ["text:a", "inputEnded", "inputEnded", "gone"],
    seen: ["text:a", "closed:1006::lost"],
    sent: [],
    end: "end",
  },
  {
    name: "the peer closes the connection in place of an answer",
    rfc: "7.1.5",
    happens: ["app close:1000:", "sent", "inputEnded"],
    seen: ["closed:1006::lost"],
    sent: ["close:1000:"],
    end: "end",
  },
  {
    name: "the peer does so while our close is queued",
    rfc: "7.1.5",
    happens: ["app close:1000:", "inputEnded"],
    seen: ["closed:1006::lost"],
    sent: [],
    end: "end",
    isOfProtocol: true,
  },
  {
    name: "the peer has closed its side behind its close frame",
    rfc: "7.1.4",
    role: "server",
    happens: ["close:1000:", "inputEnded", "rested", "inputEnded", "sent"],
    seen: ["closed:1000::clean"],
    sent: ["close:1000:"],
    end: "end",
    isOfProtocol: true,
  },
  {
    name: "the peer has closed its side behind a fault",
    rfc: "7.1.7",
    happens: ["bad", "inputEnded", "rested", "inputEnded", "sent"],
    seen: ["fault:1002", "closed:1002:Frame has a reserved bit set:lost"],
    sent: ["close:1002:Frame has a reserved bit set"],
    end: "end",
    isOfProtocol: true,
  },
  {
    name: "the connection is gone",
    rfc: "7.1.5",
    happens: ["gone", "gone"],
    seen: ["closed:1006::lost"],
    sent: [],
    end: "",
  },
  {
    name: "the connection is gone in the middle of a frame, or of a message",
    rfc: "7.1.5",
    happens: ["part", "gone"],
    seen: ["closed:1006::lost"],
    sent: [],
    end: "",
  },
  {
    name: "the connection is gone before the peer answers",
    rfc: "7.1.5",
    happens: ["app close:1000:", "sent", "gone"],
    seen: ["closed:1006::lost"],
    sent: ["close:1000:"],
    end: "",
  },
  {
    name: "the connection is gone before the peer is answered",
    rfc: "7.1.5",
    happens: ["close:1001:bye", "gone"],
    seen: ["closed:1001:bye:lost"],
    sent: [],
    end: "",
    isOfProtocol: true,
  },
  {
    name: "the connection is gone with our answer queued",
    rfc: "7.1.5",
    happens: ["close:1001:bye", "rested", "gone"],
    seen: ["closed:1001:bye:lost"],
    sent: [],
    end: "",
    isOfProtocol: true,
  },
  {
    name: "the connection is gone behind a fault",
    rfc: "7.1.5",
    happens: ["bad", "gone"],
    seen: ["fault:1002", "closed:1002:Frame has a reserved bit set:lost"],
    sent: [],
    end: "",
    isOfProtocol: true,
  },
  {
    name: "the peer does not answer in time",
    rfc: "house",
    happens: ["app close:1000:", "sent", "text:a", "timeUp", "gone"],
    seen: ["closed:1006::lost"],
    sent: ["close:1000:"],
    end: "destroy",
  },
  {
    name: "the application does not come to rest in time",
    rfc: "house",
    happens: ["text:a", "close:1000:", "timeUp"],
    seen: ["text:a", "closed:1000::lost"],
    sent: [],
    end: "destroy",
    isOfProtocol: true,
  },
  {
    name: "what is to be compressed takes too long",
    rfc: "house",
    happens: ["close:1000:", "rested", "timeUp"],
    seen: ["closed:1000::lost"],
    sent: [],
    end: "destroy",
    isOfProtocol: true,
  },
  {
    name: "the peer is given up",
    rfc: "house",
    happens: ["text:a", "dropped", "gone"],
    seen: ["text:a", "closed:1006::lost"],
    sent: [],
    end: "destroy",
  },
  {
    name: "the peer is given up at the last word",
    rfc: "house",
    happens: ["text:a", "close:1000:", "dropped"],
    seen: ["text:a", "closed:1000::lost"],
    sent: [],
    end: "destroy",
    isOfProtocol: true,
  },
];
