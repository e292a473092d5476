import { usageError } from "./exit_codes.ts";
import { type CommandName, longName, type Option, OPTIONS } from "./options.ts";
import { TOPICS } from "./topics.ts";

/** Shells that completions can be written for. */
export const SHELLS = ["bash", "zsh", "fish"] as const;

/** What may come first, but for a method or a URL. */
const COMMANDS = [
  ...["ws", "serve", "echo", "inspect", "help", "completions", "man"] as const,
];
const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];

const NAMES: readonly CommandName[] = [
  ...["request", "ws", "serve", "echo", "inspect"] as const,
];

/**
 * Completions for a shell, as it reads them.
 *
 * @throws {CliError} If it is none that we know.
 */
export function completions(shell: string): string {
  switch (shell) {
    case "bash":
      return bash();
    case "zsh":
      return zsh();
    case "fish":
      return fish();
    default:
      throw usageError(
        `No completions for ${shell || "no shell"}; ` +
          `there are those for ${SHELLS.join(", ")}`,
      );
  }
}

/** An option as it is typed, in each way. */
function forms(option: Option): string[] {
  const long = longName(option);
  return option.short === undefined ? [long] : [`-${option.short}`, long];
}

function words(options: readonly Option[]): string {
  return options.flatMap(forms).join(" ");
}

/** Options whose value is a file or a folder. */
function isPath({ value }: Option): boolean {
  return value !== undefined && /^(?:FILE|PATH)/.test(value);
}

/** Options whose value is anything else. */
function isText(option: Option): boolean {
  return option.value !== undefined && !isPath(option);
}

function pattern(options: readonly Option[]): string {
  return options.flatMap(forms).join("|") || "--";
}

function bash(): string {
  const cases = NAMES.map((name) => {
    const options = OPTIONS[name];
    return `    ${name})
      options='${words(options)}'
      case $before in
        ${pattern(options.filter(isPath))}) compopt -o filenames
          COMPREPLY=($(compgen -f -- "$word")); return ;;
        ${pattern(options.filter(isText))}) return ;;
      esac ;;`;
  });
  return `# Completions of uhttp for bash: eval "$(uhttp completions bash)"
_uhttp() {
  local word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD-1]}
  local command=request options
  case \${COMP_WORDS[1]} in ${
    COMMANDS.join("|")
  }) command=\${COMP_WORDS[1]} ;; esac
  if ((COMP_CWORD == 1)) && [[ $word != -* ]]; then
    COMPREPLY=($(compgen -W '${COMMANDS.join(" ")} ${
    METHODS.join(" ")
  }' -- "$word"))
    return
  fi
  case $command in
    help) COMPREPLY=($(compgen -W '${
    Object.keys(TOPICS).join(" ")
  }' -- "$word")); return ;;
    completions) COMPREPLY=($(compgen -W '${
    SHELLS.join(" ")
  }' -- "$word")); return ;;
${cases.join("\n")}
  esac
  if [[ $word == -* ]]; then COMPREPLY=($(compgen -W "$options" -- "$word"))
  elif [[ $command == serve ]]; then
    compopt -o filenames
    COMPREPLY=($(compgen -d -- "$word"))
  fi
}
complete -F _uhttp uhttp
`;
}

/** What an option does, in a few words that no shell takes for more. */
function shortHelp({ help }: Option): string {
  return help.replaceAll("\n", " ").replace(/[;:].*$/, "")
    .replaceAll(/['"\\\[\]`$]/g, "");
}

function zsh(): string {
  const specs = (name: CommandName) =>
    OPTIONS[name].flatMap((option) => {
      const rest = `[${shortHelp(option)}]` +
        (option.value === undefined
          ? ""
          : isPath(option)
          ? ":file:_files"
          : ": :");
      const many = option.isMany ? "*" : "";
      return forms(option).map((form) => `'${many}${form}${rest}'`);
    }).join(" \\\n        ");
  return `#compdef uhttp
# Completions of uhttp for zsh: put it as _uhttp into a folder of $fpath, or
# eval "$(uhttp completions zsh)"
_uhttp() {
  local command=request
  case \${words[2]} in ${COMMANDS.join("|")}) command=\${words[2]} ;; esac
  if ((CURRENT == 2)) && [[ \${words[2]} != -* ]]; then
    compadd ${COMMANDS.join(" ")} ${METHODS.join(" ")}
    return
  fi
  case $command in
    help) compadd ${Object.keys(TOPICS).join(" ")} ;;
    completions) compadd ${SHELLS.join(" ")} ;;
    ws)
      _arguments \\
        ${specs("ws")} ;;
    echo)
      _arguments \\
        ${specs("echo")} ;;
    inspect)
      _arguments \\
        ${specs("inspect")} ;;
    serve)
      _arguments \\
        ${specs("serve")} \\
        '*:folder:_files -/' ;;
    *)
      _arguments \\
        ${specs("request")} ;;
  esac
}
if [[ \${funcstack[1]} == _uhttp ]]; then _uhttp "$@"; else compdef _uhttp uhttp; fi
`;
}

function fish(): string {
  const lines = [
    "# Completions of uhttp for fish: uhttp completions fish | source",
    "complete -c uhttp -f",
    `complete -c uhttp -n __fish_use_subcommand -a '${COMMANDS.join(" ")} ${
      METHODS.join(" ")
    }'`,
    `complete -c uhttp -n '__fish_seen_subcommand_from help' -a '${
      Object.keys(TOPICS).join(" ")
    }'`,
    `complete -c uhttp -n '__fish_seen_subcommand_from completions' -a '${
      SHELLS.join(" ")
    }'`,
    "complete -c uhttp -n '__fish_seen_subcommand_from serve' -a '(__fish_complete_directories)'",
  ];
  for (const name of NAMES) {
    const when = name === "request"
      ? `not __fish_seen_subcommand_from ${COMMANDS.join(" ")}`
      : `__fish_seen_subcommand_from ${name}`;
    for (const option of OPTIONS[name]) {
      lines.push(
        `complete -c uhttp -n '${when}'` +
          (option.short === undefined ? "" : ` -s ${option.short}`) +
          ` -l ${longName(option).slice(2)}` +
          (isPath(option) ? " -r -F" : isText(option) ? " -x" : "") +
          ` -d '${shortHelp(option)}'`,
      );
    }
  }
  return lines.join("\n") + "\n";
}
