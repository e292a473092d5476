import { HttpClient } from "@uhttp/uhttp";
import { latin1Text } from "../support/bytes.ts";
import { startServer } from "../support/serving.ts";
import { program } from "../support/wanting.ts";
import { answerOf, type WorldChallenge } from "./challenge_rows.ts";

const PEER = new URL("peers/answer.py", import.meta.url).pathname;

/** Asks for credentials by the row that a path names, and shows the answer. */
export function startAsking(rows: readonly WorldChallenge[]) {
  const server = startServer();
  const served = (async () => {
    for await (const client of server) {
      const id = Number(client.path.slice(1));
      const { authorization } = client.headers;
      if (authorization !== undefined) {
        client.respond(authorization, { headers: { connection: "close" } });
        continue;
      }
      const lines = rows[id].lines.filter((line) => line !== "");
      client.respond("", {
        status: 401,
        headers: { "www-authenticate": lines, connection: "close" },
      });
    }
  })();
  return {
    origin: `http://127.0.0.1:${server.port}`,
    port: server.port,
    async [Symbol.asyncDispose]() {
      await server.close();
      await served;
    },
  };
}

/** How each row is answered. */
type Answer = (
  server: ReturnType<typeof startAsking>,
  count: number,
) => Promise<string[]>;

export const byUs: Answer = async ({ origin }, count) => {
  const found: string[] = [];
  for (let id = 0; id < count; id++) {
    const auth = ["user", "password"] as const;
    await using client = new HttpClient(origin, { auth });
    const response = await client.get(`/${id}`);
    found.push(answerOf(response.status === 401 ? "" : await response.text()));
  }
  return found;
};

const MARK = "<--->";

/** Others that answer, and what they are run by. */
export const PEERS_THAT_ANSWER = {
  "curl": {
    wants: ["curl"],
    answer: async ({ origin }, count) => {
      const config = Array.from({ length: count }, (_, id) =>
        [
          `url = "${origin}/${id}"`,
          "silent",
          "anyauth",
          'user = "user:password"',
          "max-time = 3",
          `write-out = "${MARK}%{http_code}${MARK}"`,
        ].join("\n")).join("\nnext\n");
      const child = new Deno.Command(program("curl"), {
        args: ["-q", "-K", "-"],
        stdin: "piped",
        stdout: "piped",
      }).spawn();
      const input = child.stdin.getWriter();
      await input.write(new TextEncoder().encode(config));
      await input.close();
      const { stdout } = await child.output();
      const parts = latin1Text(stdout).split(MARK);
      return Array.from(
        { length: count },
        (_, id) => answerOf(parts[2 * id + 1] === "200" ? parts[2 * id] : ""),
      );
    },
  },
  "urllib of Python": {
    wants: ["python3"],
    answer: async ({ port }, count) => {
      const { stdout } = await new Deno.Command(program("python3"), {
        args: [PEER, `${port}`, `${count}`],
      }).output();
      const found: string[] = JSON.parse(latin1Text(stdout));
      return found.map(answerOf);
    },
  },
} as const satisfies Record<
  string,
  { wants: readonly ("curl" | "python3")[]; answer: Answer }
>;

/** The name of one of them. */
export type Answering = keyof typeof PEERS_THAT_ANSWER;
