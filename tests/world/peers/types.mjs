// Reads content types by MIMEType of Node: values come in, outcomes go out.
import { MIMEType } from "node:util";
let text = "";
for await (const piece of process.stdin) text += piece;
console.log(JSON.stringify(
  JSON.parse(text).map((value) => {
    try {
      const { essence, params } = new MIMEType(value);
      return `${essence} ${(params.get("charset") ?? "").toLowerCase()}`;
    } catch {
      return "";
    }
  }),
));
