/**
 * Whether a response to a method, with a status, has a body at all
 * (RFC 9112 section 6.3). This and the next are the only places that know.
 */
export function hasResponseBody(isHead: boolean, status: number): boolean {
  return !isHead && status >= 200 && status !== 204 && status !== 205 &&
    status !== 304;
}

/** Whether a response with a status may announce a length (RFC 9110 section 8.6). */
export function mayHaveLength(status: number): boolean {
  return status >= 200 && status !== 204 && status !== 304;
}
