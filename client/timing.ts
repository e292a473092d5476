/** How long the steps of a request took, in ms. */
export interface ClientTiming {
  /** To connect; 0 on a connection that was open already. */
  connect: number;
  /** The TLS handshake; 0 without one, or on an open connection. */
  tls: number;
  /** From the call until the head of the response was in. */
  firstByte: number;
  /** From the call until the end of the response; 0 until it has come. */
  total: number;
}
