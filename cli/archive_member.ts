/** What is put into an archive. */
export interface Member {
  /** Where in it, with slashes; a folder's ends with one. */
  path: string;
  /** Bytes; what is read is no more. */
  size: number;
  /** When it was changed. */
  modified: Date;
  /** Its bytes, in pieces of 65,535 at most. */
  pieces(): AsyncIterable<Uint8Array<ArrayBuffer>>;
}
