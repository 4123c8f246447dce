/**
 * The page around the frame. It is whichever page the widget stands on, and is told nothing but that the visitor wants
 * the frame closed, and how many messages came while it was.
 */
export class Frame {
  /** The widget's page, once it has spoken: only pages that the server allows can frame us. */
  #origin = '';

  readonly embedded = window.parent !== window;

  constructor(private readonly shown: (open: boolean) => void) {
    addEventListener('message', (event: MessageEvent<{ svar?: unknown } | null>) => {
      if (!this.embedded || event.source !== window.parent) return;
      const what = event.data?.svar;
      if (what !== 'opened' && what !== 'closed') return;
      this.#origin = event.origin;
      this.shown(what === 'opened');
    });
  }

  close(): void {
    this.#tell({ svar: 'close' });
  }

  unread(count: number): void {
    this.#tell({ svar: 'unread', count });
  }

  #tell(message: { svar: string; count?: number }): void {
    if (this.#origin) window.parent.postMessage(message, this.#origin);
  }
}
