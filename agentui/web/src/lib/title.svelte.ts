/**
 * Keeps the window's title: now, or now and then by turns, once a second. Call it while a component is made; the
 * title follows what the function reads.
 */
export function watchTitle(read: () => { now: string; then?: string }): void {
  const now = $derived(read().now);
  const then = $derived(read().then);
  $effect(() => {
    const [first, second] = [now, then];
    document.title = first;
    if (!second) return;
    const timer = setInterval(() => {
      document.title = document.title === first ? second : first;
    }, 1000);
    return () => clearInterval(timer);
  });
}
