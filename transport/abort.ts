/**
 * Aborts a signal that others listen to. What listeners of it throw, and of
 * signals that follow it, is reported: the platform would end the process.
 *
 * @param report Told what was thrown; it must not throw.
 */
export function abortHeard(
  controller: AbortController,
  reason: unknown,
  report: (error: unknown) => void,
): void {
  const hear = (event: ErrorEvent) => {
    event.preventDefault();
    event.stopImmediatePropagation();
    report(event.error);
  };
  globalThis.addEventListener("error", hear);
  try {
    controller.abort(reason);
  } finally {
    globalThis.removeEventListener("error", hear);
  }
}
