// All attacks on servers.
import { ANSWERS } from "./rows/answers.ts";
import { BODIES } from "./rows/bodies.ts";
import { CONNECTING } from "./rows/connecting.ts";
import { DRAINING } from "./rows/draining.ts";
import { HEADS } from "./rows/heads.ts";
import { HELD_ROWS } from "./rows/held.ts";
import { WEBSOCKETS } from "./rows/websockets.ts";
import type { Attack } from "./scene.ts";

export const ROWS: Attack[] = [
  ...CONNECTING,
  ...HEADS,
  ...BODIES,
  ...HELD_ROWS,
  ...ANSWERS,
  ...WEBSOCKETS,
  ...DRAINING,
];
