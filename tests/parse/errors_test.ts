import { assert, assertEquals, assertMatch } from "@std/assert";
import {
  HttpError,
  ProtocolError,
  type ProtocolErrorCode,
  protocolErrors,
} from "../../parse.ts";
import { clientCodes, responseCodes } from "../cases/responses.ts";

const STATUSES = [400, 408, 413, 414, 415, 417, 431, 501, 502, 504, 505];

Deno.test("protocolErrors gives 502 to what is of responses and clients alone", () => {
  const codes = Object.keys(protocolErrors) as ProtocolErrorCode[];
  assertEquals(
    codes.filter((code) => protocolErrors[code][0] === 502),
    [...responseCodes, ...clientCodes],
  );
});

Deno.test("protocolErrors names each code in lower case, with status and reason", () => {
  for (const [code, [status, reason]] of Object.entries(protocolErrors)) {
    assertMatch(code, /^[a-z]+(?:-[a-z]+)*$/);
    assert(STATUSES.includes(status), code);
    // Starts with a capital, has no full stop, and is plain ASCII.
    assertMatch(reason, /^[A-Z][ -~]*[a-zA-Z0-9]$/);
  }
});

Deno.test("ProtocolError takes status and message from its code", () => {
  for (const code of Object.keys(protocolErrors) as ProtocolErrorCode[]) {
    const error = new ProtocolError(code, 7);
    const [status, reason] = protocolErrors[code];
    assertEquals(
      [error.name, error.code, error.status, error.message, error.offset],
      ["ProtocolError", code, status, reason, 7],
    );
    assert(error instanceof HttpError && error instanceof Error);
  }
  assertEquals(new ProtocolError("bad-host").offset, -1);
});

Deno.test("HttpError carries a status and a cause", () => {
  const cause = new Error("inner");
  const error = new HttpError("Outer", 502, { cause });
  assertEquals(
    [error.name, error.message, error.status, error.cause],
    ["HttpError", "Outer", 502, cause],
  );
  assertEquals(new HttpError("Alone").status, undefined);
});
