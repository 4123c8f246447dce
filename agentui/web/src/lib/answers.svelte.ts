import { readStored, removeStored, storedKeys, writeStored } from './stored';

/** Answers that were begun and left lie in this browser for so long. */
const keptFor = 24 * 60 * 60 * 1000;

interface StoredAnswer {
  text: string;
  seen: number;
  at: number;
}

/** The answer to a ticket's user, while it is being written. It goes nowhere before it is sent. */
export class AnswerDraft {
  text = $state('');
  /** The newest entry of the log that was there when the writing began; 0 before that. */
  seen = $state(0);
  #key: string;

  constructor(agent: string, ticket: string) {
    this.#key = `answer.${agent}.${ticket}`;
    const stored = readStored(this.#key) as StoredAnswer | undefined;
    if (!stored) return;
    this.text = stored.text;
    this.seen = stored.seen;
  }

  /** Takes what was typed; newest is the newest entry in sight. */
  write(text: string, newest: number): void {
    if (!this.text) this.seen = newest;
    this.text = text;
    this.#keep();
  }

  /** The agent has seen what came since. */
  see(newest: number): void {
    this.seen = newest;
    this.#keep();
  }

  clear(): void {
    this.text = '';
    this.seen = 0;
    removeStored(this.#key);
  }

  #keep(): void {
    if (!this.text) return removeStored(this.#key);
    const stored: StoredAnswer = { text: this.text, seen: this.seen, at: Date.now() };
    writeStored(this.#key, stored);
  }
}

/** The begun answers of one agent, by ticket. */
export class AnswerDrafts {
  #drafts = new Map<string, AnswerDraft>();

  constructor(private readonly agent: string) {
    // Of everybody who has used this browser: they may never come back to it.
    for (const key of storedKeys('answer.')) {
      const stored = readStored(key) as StoredAnswer | undefined;
      if (!stored || Date.now() - stored.at > keptFor) removeStored(key);
    }
  }

  of(ticket: string): AnswerDraft {
    let draft = this.#drafts.get(ticket);
    if (!draft) {
      draft = new AnswerDraft(this.agent, ticket);
      this.#drafts.set(ticket, draft);
    }
    return draft;
  }
}
