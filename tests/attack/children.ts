// Programs that are spoken to in lines of JSON, and end with their input.

/** A program of this folder that runs. */
export class Child {
  readonly #child: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;
  readonly #lines: ReadableStreamDefaultReader<string>;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(file: string, options: unknown, flags: string[] = []) {
    this.#child = new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "-A", "--no-check", ...flags],
        `${import.meta.dirname}/${file}`,
        JSON.stringify(options),
      ],
      env: { NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" },
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    this.#input = this.#child.stdin.getWriter();
    this.#lines = this.#child.stdout
      .pipeThrough(new TextDecoderStream())
      .pipeThrough(new TransformStream(new Lines()))
      .getReader();
  }

  /** The next line that it says of itself. */
  async heard<T>(): Promise<T> {
    const { value, done } = await this.#lines.read();
    if (done) throw new Error("The program has ended");
    return JSON.parse(value);
  }

  /** Asks it for something; it answers with a line. */
  ask<T>(what: string): Promise<T> {
    const answer = this.#turn.then(async () => {
      await this.#input.write(new TextEncoder().encode(`${what}\n`));
      return await this.heard<T>();
    });
    this.#turn = answer.catch(() => {});
    return answer;
  }

  /** Ends it. */
  async end(): Promise<void> {
    await this.#input.close().catch(() => {});
    await this.#lines.cancel();
    await this.#child.status;
  }
}

/** Cuts text into lines. */
class Lines implements Transformer<string, string> {
  #rest = "";

  transform(
    text: string,
    controller: TransformStreamDefaultController<string>,
  ): void {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop()!;
    for (const line of lines) controller.enqueue(line);
  }
}

/** In such a program: answers what is asked, until the input ends. */
export async function answer(
  answers: (what: string) => unknown,
): Promise<never> {
  const lines = Deno.stdin.readable
    .pipeThrough(new TextDecoderStream())
    .pipeThrough(new TransformStream(new Lines()));
  for await (const line of lines) tell(await answers(line));
  Deno.exit();
}

/** In such a program: says something of itself. */
export function tell(what: unknown): void {
  console.log(JSON.stringify(what));
}
