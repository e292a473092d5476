// deno run --allow-net examples/client_digest.ts
//
// Passwords. With `auth: [user, password]` the client sends the password as it
// is (Basic) over TLS only. In plain text it waits for the server to say what
// it wants: with Digest the password itself is never sent, but a proof of it.
//
//   deno run --allow-net examples/client_digest.ts URL USER PASSWORD
import { ClientError, HttpClient } from "@uhttp/uhttp";

const [
  url = "http://httpbin.org/digest-auth/auth/user/passwd",
  user = "user",
  password = "passwd",
] = Deno.args;

await using client = new HttpClient(url, { auth: [user, password] });
// { digest: [user, password] } would never send the password as it is, even
// to a server that asks for that; { basic: ... } sends it at once;
// { bearer: token } sends a token.

try {
  // The first answer is 401 with a nonce. The client sends the request again,
  // with the proof, and this is what came of it:
  const first = await client.get();
  console.log(first.status, await first.text());

  // The nonce is good for more: this one goes through at once.
  const second = await client.get();
  console.log(second.status, `${client.stats.requests} requests made`);
  if (!second.ok) Deno.exitCode = 1;
} catch (error) {
  if (!(error instanceof ClientError)) throw error;
  console.error(`${error.name}: ${error.message}`);
  Deno.exitCode = 1;
}
