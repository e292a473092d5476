import type { HeaderFields } from "../parse/fields.ts";
import type { ContentCoding } from "../wire/content_coding.ts";
import { hasResponseBody } from "../wire/status.ts";
import {
  type AnswerHead,
  type RespondOptions,
  setLength,
  writeHead,
  writeWhole,
} from "./answer.ts";
import { applyCoding } from "./compression.ts";
import { contentTypeOf } from "./content_type.ts";
import { evaluate, lastModified, strongTag } from "./conditions.ts";
import type { Session } from "./session.ts";
import type { HeldRequest } from "./session_host.ts";
import { isExhausted } from "../transport/socket.ts";
import { openSource } from "../message/source.ts";
import { pipe, type StreamAnswer } from "./stream_answer.ts";
import { type OpenFile, openFile } from "./file_opening.ts";
import { sendAtOnce, sendBody } from "./stream_body.ts";

/** How to answer with a file. */
export interface RespondFileOptions extends RespondOptions {
  /** Folder that the path is relative to, and may not lead out of. */
  root?: string;
  /** Offer it for saving, under its own name (`true`) or another. */
  download?: boolean | string;
}

/** The part of a request that bears on a file's answer. */
export interface FileRequest extends HeldRequest {
  readonly method: string;
  readonly headers: HeaderFields;
}

/** What is said where there is no file to send. */
const REASONS: Record<number, string> = {
  404: "Not found\n",
  503: "Too many open files\n",
};

/** Answers a request, already taken, with a file. */
export async function answerFile(
  session: Session,
  request: FileRequest,
  path: string,
  options: RespondFileOptions,
  head: AnswerHead,
  stream: (coding: ContentCoding) => StreamAnswer,
): Promise<boolean> {
  const isHead = request.method === "HEAD";
  let opened: OpenFile | null = null;
  let missing = 404;
  try {
    opened = await openFile(path, options.root, () => session.host.spare());
  } catch (error) {
    if (isExhausted(error)) missing = 503;
    if (!(error instanceof Deno.errors.NotFound)) {
      session.host.report(error, session);
    }
  }
  const isHeld = () => session.client === request;
  if (!isHeld()) {
    opened?.file.close();
    return false;
  }
  if (opened === null) return refuse(session, missing, isHead);
  const { file, info, isWarm } = opened;
  let start = 0;
  let length = info.size;
  let coding: ContentCoding | null = null;
  try {
    const { headers } = head;
    headers["content-type"] ??= contentTypeOf(path);
    headers["last-modified"] ??= lastModified(info);
    headers.etag ??= strongTag(info);
    if (options.download) {
      headers["content-disposition"] ??= attachment(
        options.download === true
          ? path.slice(path.lastIndexOf("/") + 1)
          : options.download,
      );
    }
    if (head.status === 200) {
      headers["accept-ranges"] ??= "bytes";
      const verdict = evaluate(
        request.method,
        request.headers,
        String(headers.etag),
        String(headers["last-modified"]),
        info.size,
      );
      head.status = verdict.status;
      if (verdict.contentRange !== undefined) {
        headers["content-range"] = verdict.contentRange;
      }
      if (verdict.status === 206) {
        start = verdict.start;
        length = verdict.length;
        if (isWarm) file.seekSync(start, Deno.SeekMode.Start);
        else await file.seek(start, Deno.SeekMode.Start);
      } else if (verdict.status !== 200) {
        length = 0;
        delete headers["content-type"];
        delete headers["content-disposition"];
      }
    }
    const { compression } = session.host;
    if (head.status === 200 && compression !== null) {
      const accepted = request.headers["accept-encoding"];
      coding = applyCoding(head, compression, accepted, length);
    }
    if (coding === null) setLength(head, length, isHead);
  } catch (error) {
    file.close();
    session.destroy(error);
    return false;
  }
  if (!isHeld()) {
    file.close();
    return false;
  }
  if (coding !== null) {
    const answer = stream(coding);
    answer.isPrompt = false;
    return await pipe(answer, openSource(file.readable));
  }
  writeHead(session, head);
  if (length === 0 || !hasResponseBody(isHead, head.status)) {
    file.close();
    return session.answered();
  }
  return isWarm
    ? sendAtOnce(session, file, length)
    : sendBody(session, file, length);
}

/** Answers where there is no file to send. */
function refuse(
  session: Session,
  status: number,
  isHead: boolean,
): Promise<boolean> {
  const head: AnswerHead = {
    status,
    reason: undefined,
    headers: { "content-type": "text/plain; charset=utf-8" },
    cookies: "",
  };
  const body = new TextEncoder().encode(REASONS[status]);
  setLength(head, body.length, isHead);
  writeWhole(session, head, body, isHead);
  return session.answered();
}

/** `Content-Disposition` with a name (RFC 6266, RFC 8187). */
function attachment(name: string): string {
  const plain = name.replace(/[^\x20-\x7e]|["\\%]/g, "_");
  const encoded = encodeURIComponent(name.toWellFormed())
    .replace(/['()*]/g, (char) => "%" + char.charCodeAt(0).toString(16));
  return `attachment; filename="${plain}"` +
    (plain === name ? "" : `; filename*=UTF-8''${encoded}`);
}
