import { encodeHex } from "@std/encoding";

const encoder = new TextEncoder();

/** A form in parts (RFC 7578) as pieces to send. */
export interface FormBody {
  contentType: string;
  /** Bytes of it all. */
  length: number;
  /** Texts as bytes, and files. */
  parts: (Uint8Array | Blob)[];
}

/** Names as browsers write them: these three alone are escaped. */
function escapeName(name: string): string {
  return name.replace(/\r\n|[\r\n]/g, "%0D%0A").replaceAll('"', "%22");
}

/** Writes a form; files stay where they are until they are read. */
export function writeForm(form: FormData): FormBody {
  const boundary = `uhttp-${
    encodeHex(crypto.getRandomValues(new Uint8Array(18)))
  }`;
  const parts: (Uint8Array | Blob)[] = [];
  for (const [name, value] of form) {
    const start = `--${boundary}\r\ncontent-disposition: form-data; name="${
      escapeName(name)
    }"`;
    if (typeof value === "string") {
      const text = value.replace(/\r\n|[\r\n]/g, "\r\n");
      parts.push(encoder.encode(`${start}\r\n\r\n${text}\r\n`));
      continue;
    }
    const type = value.type || "application/octet-stream";
    parts.push(
      encoder.encode(
        `${start}; filename="${
          escapeName(value.name)
        }"\r\ncontent-type: ${type}\r\n\r\n`,
      ),
      value,
      encoder.encode("\r\n"),
    );
  }
  parts.push(encoder.encode(`--${boundary}--\r\n`));
  return {
    contentType: `multipart/form-data; boundary=${boundary}`,
    length: parts.reduce(
      (sum, part) => sum + (part instanceof Blob ? part.size : part.length),
      0,
    ),
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
