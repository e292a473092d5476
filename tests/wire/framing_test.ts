import { assertEquals } from "@std/assert";
import {
  frameRequest,
  frameResponse,
  Framing,
  UNKNOWN,
} from "../../wire/framing.ts";

const { NONE, LENGTH, CHUNKED, CLOSE } = Framing;

Deno.test("frameResponse() goes by status, version and length", () => {
  const rows: [status: number, minor: number, length: number, Framing][] = [
    [200, 1, 0, LENGTH],
    [200, 0, 7, LENGTH],
    [200, 1, UNKNOWN, CHUNKED],
    [200, 0, UNKNOWN, CLOSE],
    [404, 1, UNKNOWN, CHUNKED],
    [101, 1, UNKNOWN, NONE],
    [204, 1, UNKNOWN, NONE],
    [204, 0, UNKNOWN, NONE],
    [204, 1, 7, NONE],
    [304, 1, 7, NONE],
    [205, 1, UNKNOWN, LENGTH],
    [205, 0, UNKNOWN, LENGTH],
    [205, 1, 7, LENGTH],
    [599, 1, UNKNOWN, CHUNKED],
  ];
  for (const [status, minor, length, framing] of rows) {
    assertEquals(
      frameResponse(status, minor, length),
      framing,
      `${status} to HTTP/1.${minor} with ${length} bytes`,
    );
  }
});

Deno.test("frameRequest() goes by method and length", () => {
  const rows: [method: string, length: number | null, Framing][] = [
    ["GET", null, NONE],
    ["DELETE", null, NONE],
    ["POST", null, LENGTH],
    ["PUT", null, LENGTH],
    ["PATCH", null, LENGTH],
    ["GET", 0, LENGTH],
    ["POST", 7, LENGTH],
    ["GET", UNKNOWN, CHUNKED],
    ["POST", UNKNOWN, CHUNKED],
  ];
  for (const [method, length, framing] of rows) {
    assertEquals(frameRequest(method, length), framing, `${method} ${length}`);
  }
});
