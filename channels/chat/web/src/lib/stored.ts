/**
 * What a page keeps over a reload: the chat's token and language, and the texts that the server has not acknowledged. It is kept for
 * this tab only, since computers at schools are shared. Storage may be switched off: then a reload begins anew.
 */
export interface Kept {
  token: string;
  /** The token of a chat that is over, which this one goes on with. */
  follows?: string;
  language: string;
  pending: { id: string; text: string }[];
}

export interface Store {
  read(): Kept | undefined;
  write(kept: Kept | undefined): void;
}

export function tabStore(topic: string): Store {
  const key = `svar.chat.${topic}`;
  return {
    read() {
      try {
        const text = sessionStorage.getItem(key);
        return text === null ? undefined : (JSON.parse(text) as Kept);
      } catch {
        return undefined;
      }
    },
    write(kept) {
      try {
        if (kept) sessionStorage.setItem(key, JSON.stringify(kept));
        else sessionStorage.removeItem(key);
      } catch {
        // Full or switched off.
      }
    },
  };
}
