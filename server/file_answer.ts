import { join, resolve, SEPARATOR } from "@std/path";
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
import { afterReading } from "../transport/clock.ts";
import { isExhausted } from "../transport/socket.ts";
import { openSource } from "../transport/source.ts";
import { pipe, type StreamAnswer } from "./stream_answer.ts";
import { sendBody } from "./stream_body.ts";

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
  const opened = await open(path, options.root, session);
  const isHeld = () => session.client === request;
  if (!isHeld()) {
    if ("file" in opened) opened.file.close();
    return false;
  }
  if ("status" in opened) {
    const { status } = opened;
    const missing: AnswerHead = {
      status,
      reason: undefined,
      headers: { "content-type": "text/plain; charset=utf-8" },
      cookies: "",
    };
    const body = new TextEncoder().encode(REASONS[status]);
    setLength(missing, body.length, isHead);
    writeWhole(session, missing, body, isHead);
    return session.answered();
  }
  const { file, info } = opened;
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
        await file.seek(start, Deno.SeekMode.Start);
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
  return sendBody(session, file, length);
}

/** A file that was opened, or with which status none is. */
type Opened = { file: Deno.FsFile; info: Deno.FileInfo } | { status: number };

const MISSING = { status: 404 };

/** Opens a plain file; whatever else shall look like a missing one. */
async function open(
  path: string,
  root: string | undefined,
  session: Session,
): Promise<Opened> {
  let file: Deno.FsFile | undefined;
  try {
    if (path.includes("\0")) return MISSING;
    const real = root === undefined ? path : await confine(path, root);
    // A pipe or a device is not even opened: that could wait for ever.
    if (real === null || !(await Deno.stat(real)).isFile) return MISSING;
    file = await Deno.open(real);
    const info = await file.stat();
    if (info.isFile) return { file, info };
    file.close();
    return MISSING;
  } catch (error) {
    file?.close();
    if (isExhausted(error)) {
      // Idle connections give way, as they do to new ones.
      if (session.host.spare()) {
        await new Promise<void>(afterReading);
        return open(path, root, session);
      }
      session.host.report(error, session);
      return { status: 503 };
    }
    if (!(error instanceof Deno.errors.NotFound)) {
      session.host.report(error, session);
    }
    return MISSING;
  }
}

/** The real path behind `root` and `path`; null if that lies outside. */
async function confine(path: string, root: string): Promise<string | null> {
  const segments = path.split(Deno.build.os === "windows" ? /[/\\]/ : "/");
  if (segments.includes("..")) return null;
  if (Deno.build.os === "windows" && path.includes(":")) return null;
  const base = await Deno.realPath(resolve(root));
  const real = await Deno.realPath(join(base, path));
  const prefix = base.endsWith(SEPARATOR) ? base : base + SEPARATOR;
  return real.startsWith(prefix) ? real : null;
}

/** `Content-Disposition` with a name (RFC 6266, RFC 8187). */
function attachment(name: string): string {
  const plain = name.replace(/[^\x20-\x7e]|["\\%]/g, "_");
  const encoded = encodeURIComponent(name.toWellFormed())
    .replace(/['()*]/g, (char) => "%" + char.charCodeAt(0).toString(16));
  return `attachment; filename="${plain}"` +
    (plain === name ? "" : `; filename*=UTF-8''${encoded}`);
}
