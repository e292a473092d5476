/** Told what a listener threw, or its promise was rejected with, and at what. */
export type ListenerFailed = (error: unknown, type: string) => void;

/** Adds or removes a listener. */
type Changes = (
  type: string,
  listener: EventListenerOrEventListenerObject,
  options?: boolean | AddEventListenerOptions,
) => void;

/**
 * Wraps listeners of one target so that what they throw is caught: the
 * platform would end the process. One listener always has the same wrapper, so
 * that it is known where it is added twice, or removed.
 */
export class ListenerGuard {
  readonly #failed: ListenerFailed;
  readonly #wrappers = new WeakMap<object, EventListener>();

  constructor(failed: ListenerFailed) {
    this.#failed = failed;
  }

  /** The wrapper of a listener; what can be none is left as it is. */
  wrap<T>(listener: T): T | EventListener {
    const isListener = typeof listener === "function" ||
      typeof listener === "object" && listener !== null;
    if (!isListener) return listener;
    let wrapper = this.#wrappers.get(listener as object);
    if (wrapper === undefined) {
      wrapper = this.#make(listener as EventListenerOrEventListenerObject);
      this.#wrappers.set(listener as object, wrapper);
      // The platform removes by itself what a signal ends, and so asks for it.
      this.#wrappers.set(wrapper, wrapper);
    }
    return wrapper;
  }

  #make(listener: EventListenerOrEventListenerObject): EventListener {
    const failed = this.#failed;
    return function (this: unknown, event: Event) {
      try {
        const result: unknown = typeof listener === "function"
          ? listener.call(this as EventTarget, event)
          : listener.handleEvent(event);
        if (result instanceof Promise) {
          result.catch((error) => failed(error, event.type));
        }
      } catch (error) {
        failed(error, event.type);
      }
    };
  }
}

/** Guards the listeners of a signal that is the platform's own. */
export function guardSignal(signal: AbortSignal, failed: ListenerFailed): void {
  const guard = new ListenerGuard(failed);
  const guarded = (change: Changes): { value: Changes } => ({
    value: (type, listener, options) =>
      change.call(signal, type, guard.wrap(listener), options),
  });
  // `onabort` goes by these, too.
  Object.defineProperties(signal, {
    addEventListener: guarded(signal.addEventListener),
    removeEventListener: guarded(signal.removeEventListener),
  });
}
