/**
 * The user and password that a `.netrc` has for a host; those of `default`
 * where it has none; `null` without either.
 *
 * @param login Only this user's, where one was named.
 */
export function credentialsOf(
  netrc: string,
  host: string,
  login?: string,
): [user: string, password: string] | null {
  let isHere = false;
  let user: string | undefined;
  let password: string | undefined;
  const taken = (): [string, string] | null =>
    isHere && password !== undefined &&
      (login === undefined || (user ?? login) === login)
      ? [user ?? login ?? "", password]
      : null;
  const words = wordsOf(netrc);
  for (let i = 0; i < words.length; i++) {
    switch (words[i]) {
      case "machine":
      case "default": {
        const found = taken();
        if (found !== null) return found;
        isHere = words[i] === "default" ||
          words[++i]?.toLowerCase() === host.toLowerCase();
        user = password = undefined;
        break;
      }
      case "login":
        user = words[++i];
        break;
      case "password":
        password = words[++i];
        break;
      case "account":
        i++;
        break;
    }
  }
  return taken();
}

/** The words of the file, without comments and macros. */
function wordsOf(netrc: string): string[] {
  const words: string[] = [];
  // A macro goes on until an empty line.
  const text = netrc.replaceAll(
    /^\s*macdef\b[^]*?(?:\n[ \t\r]*\n|$(?![^]))/gm,
    "",
  );
  for (const line of text.split("\n")) {
    for (
      const [word, quoted] of line.matchAll(/"((?:[^"\\]|\\.)*)"|\S+/g)
    ) {
      // A comment begins where a name of a thing would; a password may have #.
      const isValue = /^(?:machine|login|password|account)$/.test(
        words[words.length - 1] ?? "",
      );
      if (word.startsWith("#") && !isValue) break;
      words.push(quoted?.replaceAll(/\\(.)/g, "$1") ?? word);
    }
  }
  return words;
}
