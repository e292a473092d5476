const KEY = "dGhlIHNhbXBsZSBub25jZQ==";

/** A request for a WebSocket, and how it is answered. */
export interface HandshakeRow {
  name: string;
  method?: string;
  protocol?: string;
  /** Fields beside those of a good request; `null` takes one away. */
  headers?: Record<string, string | null>;
  /** Status, a field, and one more; absent where it is accepted. */
  refused?: [
    status: number,
    name?: string,
    value?: string,
    more?: [name: string, value: string],
  ];
}

const UPGRADE: HandshakeRow["refused"] = [426, "upgrade", "websocket"];
const VERSION: HandshakeRow["refused"] = [
  426,
  "upgrade",
  "websocket",
  ["sec-websocket-version", "13"],
];

/** The fields of a good request. */
export const GOOD_HEADERS: Readonly<Record<string, string>> = {
  host: "a",
  upgrade: "websocket",
  connection: "Upgrade",
  "sec-websocket-key": KEY,
  "sec-websocket-version": "13",
};

const bad = (
  name: string,
  field: string,
  value: string | null,
  refused: HandshakeRow["refused"] = [400],
): HandshakeRow => ({ name, headers: { [field]: value }, refused });
const good = (name: string, field: string, value: string): HandshakeRow => ({
  name,
  headers: { [field]: value },
});

export const websocketHandshakes: HandshakeRow[] = [
  { name: "a good request" },
  good("Upgrade in another letter case", "upgrade", "WebSocket"),
  good("Upgrade with others", "upgrade", "h2c, websocket"),
  good("Connection with others", "connection", "keep-alive, UPGRADE"),
  good("subprotocols", "sec-websocket-protocol", "chat, superchat"),
  good("an unknown extension", "sec-websocket-extensions", 'x; a="b"; c'),
  { name: "POST", method: "POST", refused: [405, "allow", "GET"] },
  { name: "HEAD", method: "HEAD", refused: [405, "allow", "GET"] },
  { name: "get", method: "get", refused: [405, "allow", "GET"] },
  { name: "HTTP/1.0", protocol: "HTTP/1.0", refused: UPGRADE },
  bad("no Upgrade", "upgrade", null, UPGRADE),
  bad("Upgrade to something else", "upgrade", "h2c", UPGRADE),
  bad("Upgrade to another version", "upgrade", "websocket/2", UPGRADE),
  bad("no Connection", "connection", null, UPGRADE),
  bad("Connection without upgrade", "connection", "keep-alive", UPGRADE),
  bad("Connection with a longer word", "connection", "upgrades", UPGRADE),
  bad("no version", "sec-websocket-version", null),
  bad("version 8", "sec-websocket-version", "8", VERSION),
  bad("version 013", "sec-websocket-version", "013", VERSION),
  bad("two versions", "sec-websocket-version", "13, 8", VERSION),
  bad("no key", "sec-websocket-key", null),
  bad("an empty key", "sec-websocket-key", ""),
  bad("a key of 15 bytes", "sec-websocket-key", "AAAAAAAAAAAAAAAAAAAA"),
  bad("a key of 17 bytes", "sec-websocket-key", "AAAAAAAAAAAAAAAAAAAAAAA="),
  bad(
    "a key with bits too many",
    "sec-websocket-key",
    KEY.replace("Q==", "R=="),
  ),
  bad("a key for URLs", "sec-websocket-key", KEY.replace("d", "-")),
  bad("two keys", "sec-websocket-key", `${KEY}, ${KEY}`),
  bad("no subprotocol in the list", "sec-websocket-protocol", ""),
  bad("a subprotocol that is none", "sec-websocket-protocol", "a b"),
  bad("a subprotocol twice", "sec-websocket-protocol", "a, b, a"),
  bad("no extension in the list", "sec-websocket-extensions", ","),
  bad("an extension that is none", "sec-websocket-extensions", "a b"),
  bad("a parameter that is none", "sec-websocket-extensions", "a; =1"),
  bad("a parameter without its value", "sec-websocket-extensions", "a; b="),
  bad("a value with a blank", "sec-websocket-extensions", 'a; b="c d"'),
];

/** What a server makes of an offer: the answer, `null` for none. */
export const deflateOffers: [
  offer: string,
  answer: string | null,
  options?: Record<string, number | boolean>,
][] = [
  ["permessage-deflate", ""],
  ["permessage-deflate; client_max_window_bits", ""],
  ["x, permessage-deflate", ""],
  [
    "permessage-deflate; server_no_context_takeover",
    "; server_no_context_takeover",
  ],
  [
    "permessage-deflate; client_no_context_takeover",
    "; client_no_context_takeover",
  ],
  [
    "permessage-deflate; server_max_window_bits=10",
    "; server_max_window_bits=10",
  ],
  [
    'permessage-deflate; server_max_window_bits="10"',
    "; server_max_window_bits=10",
  ],
  [
    "permessage-deflate; server_max_window_bits=15",
    "; server_max_window_bits=15",
  ],
  [
    "permessage-deflate; client_max_window_bits=9",
    "; client_max_window_bits=9",
  ],
  [
    "permessage-deflate; client_max_window_bits=8",
    "; client_max_window_bits=8",
  ],
  ["permessage-deflate; client_max_window_bits=15", ""],
  ["permessage-deflate; server_max_window_bits=8", null],
  ["permessage-deflate; server_max_window_bits=8, permessage-deflate", ""],
  ["permessage-deflate; server_max_window_bits", null],
  ["permessage-deflate; server_max_window_bits=7", null],
  ["permessage-deflate; server_max_window_bits=16", null],
  ["permessage-deflate; server_max_window_bits=010", null],
  ["permessage-deflate; client_max_window_bits=16", null],
  ["permessage-deflate; server_no_context_takeover=1", null],
  [
    "permessage-deflate; client_no_context_takeover; client_no_context_takeover",
    null,
  ],
  ["permessage-deflate; client_max_window_bits; client_max_window_bits", null],
  ["permessage-deflate; unknown", null],
  ["permessage-deflate; unknown, permessage-deflate", ""],
  ["Permessage-Deflate", null],
  ["x-webkit-deflate-frame", null],
  ["permessage-deflate; a b", null],
  [
    "permessage-deflate; client_max_window_bits",
    "; client_max_window_bits=10",
    { clientMaxWindowBits: 10 },
  ],
  [
    "permessage-deflate; client_max_window_bits=9",
    "; client_max_window_bits=9",
    { clientMaxWindowBits: 10 },
  ],
  ["permessage-deflate", null, { clientMaxWindowBits: 10 }],
  [
    "permessage-deflate; server_max_window_bits=12",
    "; server_max_window_bits=11",
    { serverMaxWindowBits: 11 },
  ],
  [
    "permessage-deflate",
    "; server_no_context_takeover; client_no_context_takeover" +
    "; server_max_window_bits=9",
    {
      serverNoContextTakeover: true,
      clientNoContextTakeover: true,
      serverMaxWindowBits: 9,
    },
  ],
];

/** Whether a client takes an answer to its offer. */
export const deflateAnswers: [
  answer: string,
  isGood: boolean,
  options?: Record<string, number | boolean>,
][] = [
  ["permessage-deflate", true],
  ["permessage-deflate; client_max_window_bits=8", true],
  ["permessage-deflate; server_max_window_bits=8", true],
  ["permessage-deflate; server_no_context_takeover", true],
  ["permessage-deflate; client_no_context_takeover", true],
  ["permessage-deflate; client_max_window_bits", false],
  ["permessage-deflate; server_max_window_bits", false],
  ["permessage-deflate; unknown", false],
  ["permessage-deflate, permessage-deflate", false],
  ["x", false],
  ["", false],
  ["permessage-deflate", false, { serverNoContextTakeover: true }],
  ["permessage-deflate", true, { clientNoContextTakeover: true }],
  ["permessage-deflate", false, { serverMaxWindowBits: 10 }],
  [
    "permessage-deflate; server_max_window_bits=11",
    false,
    { serverMaxWindowBits: 10 },
  ],
  [
    "permessage-deflate; server_max_window_bits=10",
    true,
    { serverMaxWindowBits: 10 },
  ],
  [
    "permessage-deflate; client_max_window_bits=11",
    false,
    { clientMaxWindowBits: 10 },
  ],
  ["permessage-deflate", true, { clientMaxWindowBits: 10 }],
];
