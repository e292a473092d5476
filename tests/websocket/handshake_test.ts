import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  acceptDeflate,
  acceptKey,
  checkDeflateAnswer,
  checkHandshake,
  checkHandshakeAnswer,
  chooseProtocol,
  handshakeAnswer,
  type HandshakeOffer,
  handshakeRequest,
  isAllowedOrigin,
  isHandshake,
  makeKey,
  offerDeflate,
  parseExtensions,
  WebsocketError,
} from "../../websocket.ts";
import {
  deflateAnswers,
  deflateOffers,
  GOOD_HEADERS,
  websocketHandshakes,
} from "../cases/websocket_handshakes.ts";

const KEY = GOOD_HEADERS["sec-websocket-key"];

for (const row of websocketHandshakes) {
  const verb = row.refused === undefined ? "accepts" : "refuses";
  Deno.test(`checkHandshake() ${verb} ${row.name}`, () => {
    const { method = "GET", protocol = "HTTP/1.1" } = row;
    const headers: Record<string, string> = { ...GOOD_HEADERS };
    for (const [name, value] of Object.entries(row.headers ?? {})) {
      if (value === null) delete headers[name];
      else headers[name] = value;
    }
    const answer = checkHandshake({ method, protocol, headers });
    if (row.refused === undefined) assertEquals(answer, null);
    else {
      const [status, name, value, more] = row.refused;
      assertEquals(answer?.status, status);
      const fields = Object.entries(answer!.headers);
      const one = name === undefined ? [] : [[name, value]];
      assertEquals(fields, more === undefined ? one : [...one, more]);
    }
  });
}

Deno.test("acceptKey() answers the key of the RFC", () => {
  assertEquals(acceptKey(KEY), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
});

Deno.test("makeKey() makes another key each time, as it is asked for", () => {
  const keys = new Set(Array.from({ length: 20 }, makeKey));
  assertEquals(keys.size, 20);
  for (const key of keys) {
    const headers = { ...GOOD_HEADERS, "sec-websocket-key": key };
    const request = { method: "GET", protocol: "HTTP/1.1", headers };
    assertEquals(checkHandshake(request), null);
  }
});

Deno.test("isHandshake() sees who asks for a WebSocket", () => {
  assert(isHandshake(GOOD_HEADERS));
  assert(isHandshake({ upgrade: "h2c,\tWEBSOCKET" }));
  assert(!isHandshake({ upgrade: "h2c" }));
  assert(!isHandshake({}));
});

Deno.test("chooseProtocol() takes the server's first choice that was offered", () => {
  assertEquals(chooseProtocol("a, b,c", ["x", "c", "a"]), "c");
  assertEquals(chooseProtocol("a, b", "b"), "b");
  assertEquals(chooseProtocol("a, b", "B"), "");
  assertEquals(chooseProtocol(undefined, ["a"]), "");
  assertEquals(chooseProtocol("a", []), "");
});

Deno.test("isAllowedOrigin() compares whole origins", () => {
  const allowed = ["https://a.example"];
  assert(isAllowedOrigin("https://A.example", allowed));
  assert(isAllowedOrigin(undefined, allowed));
  assert(isAllowedOrigin("http://x", ["*"]));
  assert(!isAllowedOrigin("https://a.example.evil", allowed));
  assert(!isAllowedOrigin("http://a.example", allowed));
  assert(!isAllowedOrigin("null", allowed));
});

for (const [offer, answer, options] of deflateOffers) {
  const given = options === undefined ? "" : ` with ${JSON.stringify(options)}`;
  Deno.test(`acceptDeflate() answers ${JSON.stringify(offer)}${given}`, () => {
    const accepted = acceptDeflate(offer, options);
    assertEquals(
      accepted?.header ?? null,
      answer === null ? null : "permessage-deflate" + answer,
    );
    if (accepted === null) return;
    // A client that offered the most reads of the answer what the server does.
    const read = checkDeflateAnswer(accepted.header, {});
    assertEquals(read, accepted.parameters);
  });
}

for (const [answer, isGood, options = {}] of deflateAnswers) {
  const given = JSON.stringify(options);
  Deno.test(`checkDeflateAnswer() ${isGood ? "takes" : "refuses"} ${JSON.stringify(answer)} with ${given}`, () => {
    if (isGood) checkDeflateAnswer(answer, options);
    else {assertThrows(() =>
        checkDeflateAnswer(answer, options), WebsocketError);}
  });
}

Deno.test("checkDeflateAnswer() refuses what was not offered, and needs none", () => {
  assertEquals(checkDeflateAnswer(undefined, null), null);
  assertEquals(checkDeflateAnswer(undefined, {}), null);
  assertThrows(
    () => checkDeflateAnswer("permessage-deflate", null),
    WebsocketError,
  );
});

Deno.test("offerDeflate() and acceptDeflate() refuse window bits out of range", () => {
  for (const bits of [8, 16, 9.5, NaN]) {
    assertThrows(() => offerDeflate({ clientMaxWindowBits: bits }), RangeError);
    assertThrows(
      () => acceptDeflate(undefined, { serverMaxWindowBits: bits }),
      RangeError,
    );
  }
});

Deno.test("offerDeflate() is agreed on in all its forms", () => {
  for (let i = 0; i < 36; i++) {
    const options = {
      serverNoContextTakeover: (i & 1) !== 0,
      clientNoContextTakeover: (i & 2) !== 0,
      serverMaxWindowBits: [9, 12, 15][Math.floor(i / 4) % 3],
      clientMaxWindowBits: [9, 12, 15][Math.floor(i / 12)],
    };
    const accepted = acceptDeflate(offerDeflate(options))!;
    assertEquals(accepted.parameters, options);
    assertEquals(checkDeflateAnswer(accepted.header, options), options);
  }
});

Deno.test("parseExtensions() reads names, parameters and quotes", () => {
  assertEquals(parseExtensions('a; b=1; c ; d="e\\f" , g'), [
    { name: "a", parameters: [["b", "1"], ["c", null], ["d", "ef"]] },
    { name: "g", parameters: [] },
  ]);
  for (const text of ["", ",", "a;", ";b", 'a; b="', 'a; b="c', 'a; b=c"']) {
    assertEquals(parseExtensions(text), null, text);
  }
});

Deno.test("checkHandshakeAnswer() takes the answer to what was offered, and nothing else", () => {
  const offer: HandshakeOffer = {
    key: KEY,
    protocols: ["a", "b"],
    deflate: {},
  };
  const request = { ...GOOD_HEADERS, ...handshakeRequest(offer) };
  assertEquals(
    checkHandshake({ method: "GET", protocol: "HTTP/1.1", headers: request }),
    null,
  );
  const good = handshakeAnswer(KEY, "b", "permessage-deflate");
  const answer = checkHandshakeAnswer(101, good, offer);
  assertEquals(answer.protocol, "b");
  assertEquals(answer.deflate?.serverMaxWindowBits, 15);
  const bare = checkHandshakeAnswer(101, handshakeAnswer(KEY), { key: KEY });
  assertEquals(bare, { protocol: "", deflate: null });
  const changes: Record<string, string>[] = [
    { upgrade: "h2c" },
    { upgrade: "websocket, h2c" },
    { connection: "close" },
    { "sec-websocket-accept": acceptKey(makeKey()) },
    { "sec-websocket-protocol": "c" },
    { "sec-websocket-protocol": "a, b" },
    { "sec-websocket-extensions": "x" },
  ];
  for (const change of changes) {
    assertThrows(
      () => checkHandshakeAnswer(101, { ...good, ...change }, offer),
      WebsocketError,
    );
  }
  assertThrows(() => checkHandshakeAnswer(200, good, offer), WebsocketError);
  assertThrows(
    () => checkHandshakeAnswer(101, good, { key: KEY }),
    WebsocketError,
  );
  for (
    const name of Object.keys(good).filter((name) => !/pro|ext/.test(name))
  ) {
    const { [name]: _, ...rest } = good;
    assertThrows(() => checkHandshakeAnswer(101, rest, offer), WebsocketError);
  }
});

Deno.test("handshakeRequest() refuses subprotocols that are none, or twice", () => {
  for (const protocols of [["a b"], [""], ["a", "a"]]) {
    assertThrows(() => handshakeRequest({ key: KEY, protocols }), TypeError);
  }
});
