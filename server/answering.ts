import type { HeaderFields } from "../parse/fields.ts";
import type { Asked } from "./answer_plan.ts";
import type { Compression } from "./compression.ts";
import type { Session } from "./session.ts";
import type { HeldRequest } from "./session_host.ts";

/** A request, as those see it who make its answer. */
export interface AnsweredRequest extends HeldRequest {
  readonly method: string;
  readonly headers: HeaderFields;
}

/** A request that is being answered: all that a kind of answer needs of it. */
export class Answering implements Asked {
  readonly session: Session;
  readonly request: AnsweredRequest;

  constructor(session: Session, request: AnsweredRequest) {
    this.session = session;
    this.request = request;
  }

  /** Whether it still waits: its peer is there, and was not refused. */
  get isHeld(): boolean {
    return this.session.client === this.request;
  }

  get isHead(): boolean {
    return this.request.method === "HEAD";
  }

  get minorVersion(): number {
    return this.session.minorVersion;
  }

  get compression(): Compression | null {
    return this.session.host.compression;
  }

  get acceptEncoding(): string | undefined {
    return this.request.headers["accept-encoding"];
  }
}
