import { readStored, writeStored } from './stored';

/** Whether the browser shows our notifications; 'unsupported' where it has none. */
export type Permission = NotificationPermission | 'unsupported';

/** Tells of an offer while the agent looks at something else. Nobody's name is ever in it: others may see the screen. */
class Notifier {
  permission = $state<Permission>(currentPermission());
  /** The agent wants none, or was asked and said "not now". */
  declined = $state(readStored('notifications') === false);

  #shown: Notification | undefined;

  /** Lets the browser ask the agent; call it from a click or key. */
  async ask(): Promise<void> {
    this.decline(false);
    if (this.permission === 'default') await Notification.requestPermission();
    this.permission = currentPermission();
  }

  decline(declined: boolean): void {
    this.declined = declined;
    writeStored('notifications', !declined);
    if (declined) this.close();
  }

  /** Shows one when the window is hidden, in place of the one before; a click on it shows the window. */
  show(title: string, body: string): void {
    this.permission = currentPermission();
    if (this.permission !== 'granted' || this.declined || !document.hidden) return;
    this.close();
    try {
      const shown = new Notification(title, { body, tag: 'svar-offer', requireInteraction: true });
      shown.onclick = () => {
        window.focus();
        shown.close();
      };
      this.#shown = shown;
    } catch {
      // Chromium on Android throws here: it wants a service worker.
    }
  }

  close(): void {
    this.#shown?.close();
    this.#shown = undefined;
  }
}

function currentPermission(): Permission {
  return typeof Notification === 'undefined' ? 'unsupported' : Notification.permission;
}

export const notifier = new Notifier();
