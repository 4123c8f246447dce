/**
 * Places a native popover below the button that opened it, inside the window, and lets the arrow keys walk through the
 * buttons in it. Use as an attachment of the popover: {@attach below(() => button)}.
 */
export function below(anchor: () => HTMLElement | undefined): (popover: HTMLElement) => () => void {
  return (popover) => {
    const place = () => {
      const button = anchor();
      if (!button || !popover.matches(':popover-open')) return;
      const at = button.getBoundingClientRect();
      const left = Math.min(at.left, innerWidth - popover.offsetWidth - 8);
      const top = Math.min(at.bottom + 6, innerHeight - popover.offsetHeight - 8);
      popover.style.left = `${Math.max(8, left)}px`;
      popover.style.top = `${Math.max(8, top)}px`;
    };
    const walk = (event: KeyboardEvent) => {
      const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
      if (!step || event.target instanceof HTMLInputElement) return;
      const items = [...popover.querySelectorAll<HTMLElement>('button')];
      const at = items.indexOf(document.activeElement as HTMLElement);
      items[(at + step + items.length) % items.length]?.focus();
      event.preventDefault();
    };
    popover.addEventListener('toggle', place);
    popover.addEventListener('keydown', walk);
    addEventListener('resize', place);
    return () => {
      popover.removeEventListener('toggle', place);
      popover.removeEventListener('keydown', walk);
      removeEventListener('resize', place);
    };
  };
}
