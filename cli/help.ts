import config from "../deno.json" with { type: "json" };
import type { CommandName } from "./options.ts";
import { optionList } from "./topics.ts";

/** The version, from the one place that it is kept in. */
export const VERSION: string = config.version;

/** One screen each. */
export const HELP: Readonly<Record<CommandName, string>> = {
  request:
    `uhttp [METHOD] URL... [WORD...] [options]  or: uhttp ws|serve|echo|inspect -h
  name=value name@FILE        a form, or by -j JSON; also Name:value (a header),
  q==value name:=JSON         a query, a field of JSON: "uhttp help requests"
  -d, --data TEXT|@FILE|@-    send text as it is; GET becomes POST
  -j, --json JSON|@FILE|@-    send JSON; with fields, make it of them
  -f, --file PATH|-           send a file of any size
  -F, --form NAME=VALUE|@FILE send a form in parts; repeatable
  -H, --header 'NAME: VALUE'  send a header; repeatable
  -u, --user NAME[:PASSWORD]  log in; or --bearer TOKEN
  -o, --output FILE           write to a file; -O: under the name in the URL
  -C, --continue-at -         get the rest of that file
  -b, --cookie NAME=VALUE|FILE, -c, --cookie-jar FILE, --session NAME: cookies
  -i, --include               show the head too; -I, --head: nothing else;
      --print HBhbm           or just these parts of request and response
  -v, --verbose               tell what is sent, received; -w FORMAT: afterwards
  -L, --location              follow redirects, 10 at most; --max-redirects N
  -t, --timeout SECONDS       give up after so long a silence: 300; 0: never
  -m, --max-time SECONDS      give up after so long; --retry N: try again
  -k, --insecure              take any certificate; --cacert, --cert, --key FILE
  -x, --proxy URL             "" for none, whatever HTTP_PROXY and its kin say
      --fail                  400 or more is an error; --parallel N: so many
  -h, --help; -V, --version; "uhttp help": more, by topic; "uhttp completions"
Exit codes: 0 good, 2 usage, 6 name unknown, 7 cannot connect, 22 status with
  --fail, 23 cannot write, 28 timeout, 47 redirects, 56 broken, 60 TLS`,
  ws:
    `uhttp ws URL [options]   talk to a WebSocket: lines are sent, messages shown
      --protocol NAME         offer a subprotocol; repeatable
      --ping SECONDS          ping so often
      --wait SECONDS          wait so long for more at the end of the input
                              (1 with a pipe, 0 with Ctrl-D), then close
  -H, --header 'NAME: VALUE'  send a header; repeatable
  -u, --user NAME[:PASSWORD]  log in; or --bearer TOKEN
  -t, --timeout SECONDS       give up connecting after so long: 30; 0: never
  -k, --insecure              take any certificate; --cacert FILE: trust these
  -x, --proxy URL             "" for none, whatever HTTP_PROXY and its kin say
      --unix PATH             connect to a Unix socket
  -v, --verbose               tell of the protocol, pings and pongs
      --no-color              use no colours
  -h, --help; -V, --version
A URL may begin with ws, wss, http or https, or have no scheme at all.
Exit codes: 0 closed with 1000, 1001 or no code; 1 with another, or refused;
  2 usage, 6 name unknown, 7 cannot connect, 28 timeout, 56 broke off, 60 TLS,
  130 interrupted`,
  serve:
    `uhttp serve [FOLDER] [options]   serve a folder (this one), with listings
  -p, --port PORT        port; default 8000, or the next one that is free
      --host ADDRESS     default 127.0.0.1; 0.0.0.0 lets others in; or --listen
      --allow-host NAME  answer to this name, not to localhost alone
      --cert FILE, --key FILE  speak TLS; or --tls-self-signed
      --auth USER:PASSWORD|@FILE  let in only who knows that
      --proxy /PATH=URL  pass what is below a path on, WebSockets too
      --live             have pages load again when a file changes
      --header 'NAME: VALUE', --cors, --404 FILE: what answers have
      --upload           take files, by a form in listings or by PUT; what is
                         there is never overwritten
      --write            let files be overwritten, renamed and deleted as well
      --max-upload SIZE  what an upload may have: 500k, 20MB; default 1GiB
      --quota SIZE       what all uploads may have together; default 10GiB
      --index            show index.html for a folder, with --upload too
      --spa              answer unknown paths without extension with /index.html
      --archive          offer folders as zip and tar
      --hidden           list and serve names that begin with a dot
      --no-compress      do not compress text; --gzip-static: send FILE.gz
      --log common|json|none  the log of requests; -q: none
  -h, --help; -V, --version; "uhttp help serve": more
No link that leads out is followed. SIGINT lets answers in progress finish.
Exit codes: 0 stopped, 1 cannot serve, 2 usage`,
  echo: `uhttp echo [options]   a server that tells what was asked
${optionList("echo")}
It answers in JSON, and browsers with a page. Exit codes: as for uhttp serve`,
  inspect: `uhttp inspect PORT URL [options]   show what goes to a server
${optionList("inspect")}
What is sent to PORT here goes on to URL, and all that both sides say is shown.
Exit codes: as for uhttp serve`,
};
