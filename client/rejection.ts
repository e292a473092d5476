/**
 * Rejects with an error whose stack says where it is waited for: the engine
 * knows that of a promise that one waiter alone has, as long as it is pending.
 *
 * @param promise What is waited for, and follows this.
 */
export async function rejection(
  error: Error,
  promise: Promise<unknown>,
): Promise<never> {
  // Until it does follow.
  for (let turns = 0; turns < 3; turns++) await null;
  Error.captureStackTrace(error, rejection);
  // Who waits has handlers of their own.
  promise.catch(() => {});
  throw error;
}
