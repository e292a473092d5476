// Reads forms by the FormData of Node or Bun: rows come in, outcomes go out.
let text = "";
for await (const piece of process.stdin) text += piece;
const headers = { "content-type": "multipart/form-data; boundary=b" };
const outcomes = [];
for (const body of JSON.parse(text)) {
  try {
    const bytes = Buffer.from(body, "latin1");
    const form = await new Response(bytes, { headers }).formData();
    const parts = [];
    for (const [name, value] of form) {
      const isFile = typeof value !== "string";
      const data = isFile
        ? Buffer.from(await value.arrayBuffer()).toString("latin1")
        : value;
      parts.push([name, isFile ? value.name : null, data]);
    }
    outcomes.push(parts);
  } catch {
    outcomes.push(null);
  }
}
console.log(JSON.stringify(outcomes));
