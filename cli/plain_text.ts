// A terminal takes some characters for commands: to move, to hide, to set its
// title, even to type. What a peer sends must not get to it.

/**
 * C0, DEL and C1; the line feed and the tab too; and what turns the direction
 * of text, so that a name looks like another one.
 */
// deno-lint-ignore no-control-regex
const CONTROLS = /[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/g;
/** The same without line feed and tab. */
// deno-lint-ignore no-control-regex
const CONTROLS_BUT_LINES = /[\x00-\x08\x0b-\x1f\x7f-\x9f]/g;

/** What shows a control character. */
function show(char: string): string {
  const code = char.charCodeAt(0);
  if (code < 0x20) return String.fromCharCode(0x2400 + code);
  return code === 0x7f ? "\u2421" : "\ufffd";
}

/** Text of one line that a terminal only shows. */
export function plainLine(text: string): string {
  return text.replace(CONTROLS, show);
}

/** Text of several lines that a terminal only shows. */
export function plainText(text: string): string {
  return text.replaceAll("\r\n", "\n").replace(CONTROLS_BUT_LINES, show);
}
