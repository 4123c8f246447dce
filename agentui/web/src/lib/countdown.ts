import { serverClock } from './clock.svelte';
import type { Instant } from './protocol';

/**
 * Lets a bar run out between two moments of the server's clock by itself: it needs no tick, and moves by whole seconds
 * where motion is not wanted. Use as an attachment of the bar: {@attach runOut(() => from, () => until)}.
 */
export function runOut(from: () => Instant, until: () => Instant): (bar: HTMLElement) => (() => void) | undefined {
  return (bar) => {
    const whole = until() - from();
    const rest = Math.max(0, until() - serverClock.read());
    if (whole <= 0) return;
    const calm = matchMedia('(prefers-reduced-motion: reduce)').matches;
    const animation = bar.animate(
      [{ transform: `scaleX(${Math.min(1, rest / whole)})` }, { transform: 'scaleX(0)' }],
      { duration: rest, easing: calm ? `steps(${Math.max(1, Math.ceil(rest / 1000))}, jump-end)` : 'linear', fill: 'both' },
    );
    return () => animation.cancel();
  };
}

/** The moments of a countdown, in seconds left, at which a screen reader is told of it. */
const toldAt = [60, 30, 10];

/** The step of a countdown that was told last: it changes a few times only, so that nobody is talked over. */
export function toldStep(secondsLeft: number): number | undefined {
  return toldAt.findLast((step) => secondsLeft <= step);
}
