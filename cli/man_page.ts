import { VERSION } from "./help.ts";
import { type CommandName, longName, type Option, OPTIONS } from "./options.ts";
import { EXIT_CODES, INTRODUCTIONS } from "./topics.ts";

const COMMANDS: readonly [command: CommandName, title: string][] = [
  ["request", "REQUESTS"],
  ["ws", "WEBSOCKETS"],
  ["serve", "SERVING A FOLDER"],
  ["echo", "TELLING WHAT WAS ASKED"],
  ["inspect", "SHOWING WHAT GOES TO A SERVER"],
];

/** Text that roff takes for text. */
function roff(text: string): string {
  return text.replaceAll("\\", "\\e").replaceAll("-", "\\-")
    .replaceAll(/^([.'])/gm, "\\&$1");
}

function entry(option: Option): string {
  const { short, value, isMany = false, help } = option;
  const forms = [
    ...(short === undefined ? [] : [`-${short}`]),
    longName(option),
  ].map((form) => `\\fB${roff(form)}\\fR`).join(", ");
  const named = value === undefined ? "" : ` \\fI${roff(value)}\\fR`;
  const many = isMany ? "; may be given more than once" : "";
  return `.TP\n${forms}${named}\n${roff(help)}${many}`;
}

/** The manual's page, for `man`. */
export function manPage(): string {
  const sections = COMMANDS.map(([command, title]) =>
    `.SH ${title}\n.nf\n${roff(INTRODUCTIONS[command].trim())}\n.fi\n` +
    OPTIONS[command].map(entry).join("\n")
  );
  return `.TH UHTTP 1 "" "uhttp ${VERSION}"
.SH NAME
uhttp \\- send requests, talk to WebSockets, serve folders
.SH SYNOPSIS
\\fBuhttp\\fR [\\fIMETHOD\\fR] \\fIURL\\fR [\\fIWORD\\fR...] [\\fIoptions\\fR]
.br
\\fBuhttp ws\\fR \\fIURL\\fR [\\fIoptions\\fR]
.br
\\fBuhttp serve\\fR [\\fIFOLDER\\fR] [\\fIoptions\\fR]
.br
\\fBuhttp echo\\fR [\\fIoptions\\fR]
.br
\\fBuhttp inspect\\fR \\fIPORT\\fR \\fIURL\\fR [\\fIoptions\\fR]
.br
\\fBuhttp help\\fR [\\fITOPIC\\fR]
.br
\\fBuhttp completions\\fR \\fISHELL\\fR
.br
\\fBuhttp man\\fR
${sections.join("\n")}
.SH EXIT STATUS
.nf
${roff(EXIT_CODES)}
.fi
`;
}
