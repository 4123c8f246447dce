import type { Instant } from './protocol';

/**
 * The server's clock as this browser knows it. Every whole value from the server names its moment; messages can only
 * be late, so the largest difference seen is the truest. It ticks once a second.
 */
class ServerClock {
  now = $state<Instant>(Date.now());
  /** Server time minus the browser's monotonic time, in milliseconds. */
  #offset = Date.now() - performance.now();
  #synced = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Takes over the moment that the server named. */
  sync(serverNow: Instant): void {
    const offset = serverNow - performance.now();
    // More than two seconds apart is not a late message but another clock (the server's was set, the computer slept).
    if (!this.#synced || offset > this.#offset || this.#offset - offset > 2000) this.#offset = offset;
    this.#synced = true;
    this.#tick();
  }

  /** The moment, more exact than the ticking one. */
  read(): Instant {
    return performance.now() + this.#offset;
  }

  #tick(): void {
    clearTimeout(this.#timer);
    this.now = this.read();
    this.#timer = setTimeout(() => this.#tick(), 1000 - (this.now % 1000) + 5);
  }

  start(): void {
    this.#tick();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}

export const serverClock = new ServerClock();
