import { basename } from "@std/path";
import { contentTypeOf } from "../server/content_type.ts";
import { CliError, ExitCode } from "./exit_codes.ts";
import { reason } from "./io.ts";

/**
 * A file that stays on the disk until it is sent, and so may be larger than
 * memory.
 */
export class DiskFile extends File {
  readonly #path: string;
  readonly #size: number;

  private constructor(path: string, size: number) {
    super([], basename(path), { type: contentTypeOf(path) });
    this.#path = path;
    this.#size = size;
  }

  /**
   * @throws {CliError} If it is not there, or not a plain file.
   */
  static async find(path: string): Promise<DiskFile> {
    let info: Deno.FileInfo;
    try {
      info = await Deno.stat(path);
    } catch (cause) {
      throw cannotRead(path, cause);
    }
    if (!info.isFile) throw cannotRead(path, "Not a plain file");
    return new DiskFile(path, info.size);
  }

  /** Bytes of it. */
  override get size(): number {
    return this.#size;
  }

  /** Its bytes, read as they are asked for. */
  override stream(): ReadableStream<Uint8Array<ArrayBuffer>> {
    return ReadableStream.from(readPieces(this.#path));
  }
}

async function* readPieces(
  path: string,
): AsyncGenerator<Uint8Array<ArrayBuffer>, void, void> {
  using file = await Deno.open(path);
  for (;;) {
    const buffer = new Uint8Array(65536);
    const length = await file.read(buffer);
    if (length === null) return;
    yield buffer.subarray(0, length);
  }
}

/** Why a file cannot be read. */
export function cannotRead(path: string, cause: unknown): CliError {
  const message = `Cannot read ${path}: ${reason(cause)}`;
  return new CliError(ExitCode.OTHER, message, { cause });
}
