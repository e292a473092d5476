import type { RequestData } from "../client.ts";
import type { BodyArgument } from "./arguments.ts";
import { cannotRead, DiskFile } from "./disk_file.ts";
import { usageError } from "./exit_codes.ts";
import { type CliInput, inputPieces, readInput } from "./io.ts";
import { checkJson, type Field } from "./words.ts";

/** A body as the client takes it. */
export interface RequestBody {
  /** What is sent. */
  data: RequestData;
  /** Its type; `undefined` where the client knows that itself. */
  type: string | undefined;
  /** What is to be accepted, where that is plain. */
  accept?: string;
  /** Whether it is worth while to ask before it is sent. */
  isLarge: boolean;
}

const FORM_TYPE = "application/x-www-form-urlencoded";
const JSON_TYPE = "application/json";
const JSON_ACCEPT = "application/json, */*";
const OCTET_TYPE = "application/octet-stream";
/** From this size on, a server is asked whether it wants it. */
const LARGE = 1_000_000;

const encoder = new TextEncoder();

/**
 * Reads what the command line says is to be sent.
 *
 * @throws {CliError} If it cannot be read, or is no JSON where it should be.
 */
export async function makeBody(
  argument: BodyArgument,
  stdin: CliInput,
): Promise<RequestBody> {
  switch (argument.kind) {
    case "data": {
      const parts: (Uint8Array | string)[] = [];
      for (const text of argument.texts) {
        if (parts.length > 0) parts.push("&");
        parts.push(await readText(text, stdin));
      }
      const data = await new Blob(parts as BlobPart[]).arrayBuffer();
      return { data, type: FORM_TYPE, isLarge: data.byteLength > LARGE };
    }
    case "json": {
      const data = await readText(argument.text, stdin);
      checkJson(decodeJson(data), "--json");
      const isLarge = data.length > LARGE;
      return {
        data,
        type: JSON_TYPE,
        accept: JSON_ACCEPT,
        isLarge,
      };
    }
    case "file": {
      const { path } = argument;
      if (path === "-") {
        const data = inputPieces(stdin);
        return { data, type: OCTET_TYPE, isLarge: true };
      }
      const data = await DiskFile.find(path);
      return { data, type: undefined, isLarge: data.size > LARGE };
    }
    case "fields":
      return argument.isJson
        ? await jsonOf(argument.fields, stdin)
        : argument.fields.some(({ value }) => value.kind === "file")
        ? await partsOf(argument.fields, stdin)
        : await formOf(argument.fields, stdin);
    case "form": {
      const data = new FormData();
      let size = 0;
      for (const [name, value] of argument.fields) {
        if (value.startsWith("@")) {
          const file = await DiskFile.find(value.slice(1));
          data.append(name, file);
          size += file.size;
        } else data.append(name, value);
      }
      return { data, type: undefined, isLarge: size > LARGE };
    }
  }
}

/** A field's text, be it in a file. */
async function textOf(
  { value }: Field,
  stdin: CliInput,
): Promise<string> {
  if (value.kind === "file") throw new TypeError("A file is no text");
  if (!value.isPath) return value.text;
  const bytes = await readText(`@${value.text}`, stdin);
  return new TextDecoder().decode(bytes);
}

/** JSON is put together as text: a number may have more digits than ours. */
async function jsonOf(
  fields: readonly Field[],
  stdin: CliInput,
): Promise<RequestBody> {
  const members = new Map<string, string>();
  for (const field of fields) {
    const text = await textOf(field, stdin);
    const isJson = field.value.kind === "json";
    if (isJson) checkJson(text, `${field.name}:=`);
    members.set(field.name, isJson ? text.trim() : JSON.stringify(text));
  }
  const data = encoder.encode(
    "{" + [...members].map(([name, text]) => `${JSON.stringify(name)}:${text}`)
      .join(",") +
      "}",
  );
  return { data, type: JSON_TYPE, accept: JSON_ACCEPT, isLarge: false };
}

async function formOf(
  fields: readonly Field[],
  stdin: CliInput,
): Promise<RequestBody> {
  const form = new URLSearchParams();
  for (const field of fields) {
    form.append(field.name, await textOf(field, stdin));
  }
  return { data: form.toString(), type: FORM_TYPE, isLarge: false };
}

async function partsOf(
  fields: readonly Field[],
  stdin: CliInput,
): Promise<RequestBody> {
  const data = new FormData();
  let size = 0;
  for (const field of fields) {
    const { name, value } = field;
    if (value.kind === "file") {
      const file = await DiskFile.find(value.path);
      data.append(name, file);
      size += file.size;
    } else data.append(name, await textOf(field, stdin));
  }
  return { data, type: undefined, isLarge: size > LARGE };
}

/** The text as it is, or what a file or the input holds. */
async function readText(text: string, stdin: CliInput): Promise<Uint8Array> {
  if (!text.startsWith("@")) return encoder.encode(text);
  if (text === "@-") return await readInput(stdin);
  const path = text.slice(1);
  try {
    return await Deno.readFile(path);
  } catch (error) {
    throw cannotRead(path, error);
  }
}

function decodeJson(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw usageError("No JSON in --json: it is not UTF-8");
  }
}

/** A body that is text, to be put behind a URL's `?`. */
export function queryOf({ data }: RequestBody): string {
  if (typeof data === "string") return data;
  return new TextDecoder().decode(data as ArrayBuffer);
}
