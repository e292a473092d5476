import { OCTET_TYPE } from "../parse/response_data.ts";
import { blobFacts } from "../wire/blob_facts.ts";

const encoder = new TextEncoder();

/** A form in parts (RFC 7578) as pieces to send. */
export interface FormBody {
  contentType: string;
  /** Bytes of it all. */
  length: number;
  /** Texts as bytes, and files. */
  parts: (Uint8Array | Blob)[];
}

/**
 * Names as browsers write them: these three alone are escaped.
 *
 * @throws {TypeError} If it is no string, or holds another control character.
 */
function escapeName(name: string): string {
  // deno-lint-ignore no-control-regex -- what no field may hold
  if (typeof name !== "string" || /[\0-\x08\v\f\x0e-\x1f\x7f]/.test(name)) {
    throw new TypeError(
      "Name in a form is no text, or holds a control character",
    );
  }
  return name.replace(/\r\n|[\r\n]/g, "%0D%0A").replaceAll('"', "%22");
}

/**
 * Writes a form; files stay where they are until they are read.
 *
 * @throws {TypeError} If a name, or the type of a file, cannot be sent.
 */
export function writeForm(form: FormData): FormBody {
  const boundary = `uhttp-${crypto.randomUUID()}`;
  const parts: (Uint8Array | Blob)[] = [];
  let length = 0;
  const add = (text: string) => {
    const bytes = encoder.encode(text);
    length += bytes.length;
    parts.push(bytes);
  };
  for (const [name, value] of form) {
    const start = `--${boundary}\r\ncontent-disposition: form-data; name="${
      escapeName(name)
    }"`;
    if (typeof value === "string") {
      const text = value.replace(/\r\n|[\r\n]/g, "\r\n");
      add(`${start}\r\n\r\n${text}\r\n`);
      continue;
    }
    const { type, size } = blobFacts(value);
    const filename = escapeName(value.name);
    add(
      `${start}; filename="${filename}"\r\n` +
        `content-type: ${type || OCTET_TYPE}\r\n\r\n`,
    );
    parts.push(value);
    length += size;
    add("\r\n");
  }
  add(`--${boundary}--\r\n`);
  return {
    contentType: `multipart/form-data; boundary=${boundary}`,
    length,
    parts,
  };
}

/** The bytes of parts, one after the other. */
export async function* readParts(
  parts: readonly (Uint8Array | Blob)[],
): AsyncGenerator<Uint8Array, void, void> {
  for (const part of parts) {
    if (part instanceof Blob) yield* part.stream();
    else yield part;
  }
}
