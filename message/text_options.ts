import { OptionNames } from "../parse/option_names.ts";

/** How to read a body as text. */
export interface TextOptions {
  /** Refuse what is not of its charset; default `false`. */
  fatal?: boolean;
}

const NAMES = new OptionNames<TextOptions>("text()", { fatal: true });

/** @throws {TypeError} If they are none, or one has no such meaning. */
export function checkTextOptions(options: unknown): void {
  NAMES.check(options);
  const { fatal } = (options ?? {}) as TextOptions;
  if (fatal !== undefined && typeof fatal !== "boolean") {
    throw new TypeError('Option "fatal" is not true or false');
  }
}
