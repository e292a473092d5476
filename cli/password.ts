import { CliError, ExitCode, usageError } from "./exit_codes.ts";
import { type CliIo, writeAll } from "./io.ts";
import { plainLine } from "./plain_text.ts";

/**
 * Asks for a password, and does not show it.
 *
 * @throws {CliError} If nobody is there to be asked, or wants to say it.
 */
export async function askPassword(io: CliIo, user: string): Promise<string> {
  const { stdin, stderr } = io;
  if (!stdin.isTerminal()) {
    throw usageError("--user has no password, and nobody to ask for it");
  }
  await writeAll(stderr, `Password of ${plainLine(user)}: `);
  const bytes: number[] = [];
  stdin.setRaw(true);
  try {
    const buffer = new Uint8Array(256);
    for (;;) {
      const length = await stdin.read(buffer);
      if (length === null) throw interrupted();
      for (const byte of buffer.subarray(0, length)) {
        switch (byte) {
          case 0x0a:
          case 0x0d:
            return new TextDecoder().decode(new Uint8Array(bytes));
          case 0x03: // Ctrl-C
          case 0x04: // Ctrl-D
            throw interrupted();
          case 0x15: // Ctrl-U
            bytes.length = 0;
            break;
          case 0x08:
          case 0x7f:
            // What follows the first byte of a character goes with it.
            while ((bytes.pop() ?? 0) >> 6 === 0b10);
            break;
          default:
            if (byte >= 0x20) bytes.push(byte);
        }
      }
    }
  } finally {
    stdin.setRaw(false);
    await writeAll(stderr, "\n");
  }
}

function interrupted(): CliError {
  return new CliError(ExitCode.INTERRUPTED, "Interrupted");
}
