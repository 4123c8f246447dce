/** What a key asks for. */
export type Command =
  | 'answer'
  | 'hang-up'
  | 'hold'
  | 'microphone'
  | 'transfer'
  | 'conference'
  | 'recording'
  | 'extend'
  | 'finish'
  | 'ready'
  | 'pause'
  | 'search'
  | 'leave-field'
  | 'help'
  | 'call'
  /** The ongoing contact of that place in the list, from 1. */
  | { contact: number };

/** The part of a KeyboardEvent that counts. */
export interface Key {
  key: string;
  shiftKey: boolean;
  ctrlKey: boolean;
  metaKey: boolean;
  altKey: boolean;
  repeat: boolean;
}

/**
 * The command of a key. Function keys and Ctrl+Enter work everywhere; letters only outside fields and dialogs, and
 * only while they are switched on (WCAG 2.1.4). Nothing uses Ctrl+Alt: on Swedish keyboards that is AltGr.
 */
export function commandOf(key: Key, where: { typing: boolean; dialog: boolean; letters: boolean }): Command | undefined {
  if (key.repeat || key.altKey) return undefined;
  const control = key.ctrlKey || key.metaKey;
  if (key.key === 'F2' && !control) return key.shiftKey ? 'hang-up' : 'answer';
  if (key.key === 'F4' && !control) return key.shiftKey ? 'extend' : 'hold';
  if (key.key === 'F8' && !control && !key.shiftKey) return 'microphone';
  if (key.key === 'F8' && !control && key.shiftKey) return 'recording';
  if (key.key === 'F9' && !control) return key.shiftKey ? 'conference' : 'transfer';
  if (key.key === 'Enter' && control && !where.dialog) return 'finish';
  if (key.key === 'Escape' && where.typing && !where.dialog) return 'leave-field';
  if (control || where.typing || where.dialog || !where.letters) return undefined;
  if (key.key === '?') return 'help';
  // On a Swedish keyboard the slash is Shift+7.
  if (key.key === '/') return 'search';
  if (key.shiftKey) return undefined;
  if (/^[1-9]$/.test(key.key)) return { contact: Number(key.key) };
  switch (key.key.toLowerCase()) {
    case 'r':
      return 'ready';
    case 'p':
      return 'pause';
    case 'c':
      return 'call';
    default:
      return undefined;
  }
}

/** Tells whether what has the focus takes letters. */
export function takesLetters(element: Element | null): boolean {
  if (!(element instanceof HTMLElement)) return false;
  if (element.isContentEditable || element instanceof HTMLTextAreaElement || element instanceof HTMLSelectElement) {
    return true;
  }
  return element instanceof HTMLInputElement && !['radio', 'checkbox', 'button', 'range'].includes(element.type);
}
