import { isExhausted } from "../transport/socket.ts";
import { openSource } from "../message/source.ts";
import {
  type AnswerHead,
  plainHead,
  type RespondOptions,
} from "./answer_head.ts";
import { type AnswerPlan, planKnown, planWhole } from "./answer_plan.ts";
import type { Answering } from "./answering.ts";
import { applyCoding } from "./compression.ts";
import {
  evaluate,
  lastModified,
  strongTag,
  type Verdict,
} from "./conditions.ts";
import { contentTypeOf } from "./content_type.ts";
import { type OpenFile, openFile } from "./file_opening.ts";
import { pipe, StreamAnswer } from "./stream_answer.ts";
import { sendAtOnce, sendBody } from "./stream_body.ts";
import { sendWhole } from "./whole_answer.ts";

/** How to answer with a file. */
export interface RespondFileOptions extends RespondOptions {
  /** Folder that the path is relative to, and may not lead out of. */
  root?: string;
  /**
   * What a folder is answered with, such as `index.html`; by default that is
   * missing. Relative links need the request's path to end with a slash.
   */
  index?: string;
  /** Offer it for saving, under its own name (`true`) or another. */
  download?: boolean | string;
}

/** What is said where there is no file to send. */
const REASONS = {
  404: "Not found\n",
  500: "Internal Server Error\n",
  503: "Too many open files\n",
};

/** Answers a request, already taken, with a file. */
export async function answerFile(
  answering: Answering,
  path: string,
  options: RespondFileOptions,
  head: AnswerHead,
): Promise<boolean> {
  const { session } = answering;
  let opened = await openOrStatus(answering, path, options.root);
  if (opened === 404 && options.index !== undefined) {
    path = `${path.replace(/\/$/, "")}/${options.index}`;
    opened = await openOrStatus(answering, path, options.root);
  }
  if (typeof opened === "number") return refuse(answering, opened);
  const { file, isWarm } = opened;
  let plan: AnswerPlan | null = null;
  let length = 0;
  try {
    if (answering.isHeld) {
      const part = describe(answering, path, options, head, opened);
      ({ length } = part);
      if (part.start > 0) {
        if (isWarm) file.seekSync(part.start, Deno.SeekMode.Start);
        else await file.seek(part.start, Deno.SeekMode.Start);
      }
      plan = planKnown(answering, head, length, head.status === 200);
    }
  } catch (error) {
    if (answering.isHeld) {
      session.host.fault(error, session);
      session.destroy();
    }
  }
  if (plan === null || !answering.isHeld) {
    file.close();
    return false;
  }
  if (plan.coding !== null) {
    const answer = new StreamAnswer(session, plan);
    answer.isPrompt = false;
    return await pipe(answer, openSource(file.readable));
  }
  session.begin(plan);
  if (length > 0 && plan.hasBody) {
    return isWarm
      ? sendAtOnce(session, file, length)
      : sendBody(session, file, length);
  }
  file.close();
  return session.answered();
}

/** Answers where there is no file to send. */
function refuse(
  answering: Answering,
  status: keyof typeof REASONS,
): Promise<boolean> {
  if (!answering.isHeld) return Promise.resolve(false);
  const head = plainHead(status, "text/plain; charset=utf-8");
  const plan = planWhole(answering, head, REASONS[status]);
  return sendWhole(answering.session, plan);
}

/** Opens a file, or gives the status of the answer that says why not. */
async function openOrStatus(
  { session }: Answering,
  path: string,
  root: string | undefined,
): Promise<OpenFile | 404 | 500 | 503> {
  try {
    return await openFile(path, root, () => session.host.spare()) ?? 404;
  } catch (error) {
    if (isForbidden(error)) {
      // It is there, and the one who runs the server has to hear of it.
      session.host.fault(error, session);
      return 500;
    }
    if (
      !(error instanceof Deno.errors.NotFound) &&
      !(error instanceof Deno.errors.NotADirectory)
    ) {
      session.host.report(error, session);
    }
    return isExhausted(error) ? 503 : 404;
  }
}

/** Whether Deno, or the system, does not let us read. */
function isForbidden(error: unknown): boolean {
  return error instanceof Deno.errors.NotCapable ||
    error instanceof Deno.errors.PermissionDenied;
}

/** Fills in what the head says of a file; gives what of it is to be sent. */
function describe(
  answering: Answering,
  path: string,
  { download }: RespondFileOptions,
  head: AnswerHead,
  { info }: OpenFile,
): Pick<Verdict, "start" | "length"> {
  const { headers } = head;
  headers["content-type"] ??= contentTypeOf(path);
  const modified = headers["last-modified"] ??= lastModified(info);
  const tag = headers.etag ??= strongTag(info);
  if (download) {
    const name = download === true
      ? path.slice(path.lastIndexOf("/") + 1)
      : download;
    headers["content-disposition"] ??= attachment(name);
  }
  const { request } = answering;
  if (head.status !== 200) return { start: 0, length: info.size };
  headers["accept-ranges"] ??= "bytes";
  const verdict = evaluate(
    request.method,
    request.headers,
    String(tag),
    String(modified),
    info.size,
  );
  if (verdict.status === 304 || verdict.status === 206) {
    saySameAsWhole(answering, head, info.size, verdict.status);
  }
  head.status = verdict.status;
  if (verdict.contentRange !== undefined) {
    headers["content-range"] = verdict.contentRange;
  }
  if (verdict.status === 200 || verdict.status === 206) return verdict;
  delete headers["content-type"];
  delete headers["content-disposition"];
  return { start: 0, length: 0 };
}

/**
 * Gives the head of a 304 or 206 those fields that the 200 would have
 * (RFC 9110 sections 15.3.7 and 15.4.5): what is compressed has another tag,
 * though a part of the file never is.
 */
function saySameAsWhole(
  { compression, acceptEncoding }: Answering,
  head: AnswerHead,
  size: number,
  status: 206 | 304,
): void {
  if (compression === null) return;
  const { headers } = head;
  const whole = { ...head, status: 200, headers: { ...headers } };
  applyCoding(whole, compression, acceptEncoding, size);
  if (whole.headers.vary !== undefined) headers.vary = whole.headers.vary;
  if (status === 304) headers.etag = whole.headers.etag;
}

/** `Content-Disposition` with a name (RFC 6266, RFC 8187). */
function attachment(name: string): string {
  const plain = name.replace(/[^\x20-\x7e]|["\\%]/g, "_");
  const encoded = encodeURIComponent(name.toWellFormed())
    .replace(/['()*]/g, (char) => "%" + char.charCodeAt(0).toString(16));
  return `attachment; filename="${plain}"` +
    (plain === name ? "" : `; filename*=UTF-8''${encoded}`);
}
