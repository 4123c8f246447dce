import { ApiError, tickets, type Ticket } from './api';
import type { AnswerDraft } from './answers.svelte';
import type { ContactID, TicketNumber, TicketStatus } from './protocol';

/** How often a ticket that is in sight is read again. */
const refreshEvery = 20_000;

/** What became of an attempt to send: stale means that the log has something that the writer has not seen. */
export type Sent = 'sent' | 'stale' | 'failed';

/** The newest entry that user and desk exchanged; notes and changes of status are nothing that an answer could miss. */
export function newestExchange(ticket: Ticket): number {
  return (ticket.entries ?? []).reduce(
    (newest, { id, kind }) => ((kind === 'from-user' || kind === 'answer') && id > newest ? id : newest),
    0,
  );
}

/** Reads and writes of one ticket, as the server has it. */
export interface TicketServer {
  read(number: TicketNumber, signal?: AbortSignal): Promise<Ticket>;
  add(number: TicketNumber, entry: { kind: 'note' | 'answer'; text: string; contact?: ContactID }): Promise<unknown>;
  setStatus(number: TicketNumber, status: TicketStatus): Promise<void>;
}

/** A ticket while somebody looks at it. */
export class TicketView {
  ticket = $state.raw<Ticket | undefined>();
  problem = $state.raw<unknown>();
  #reading: AbortController | undefined;

  constructor(
    readonly number: TicketNumber,
    private readonly server: TicketServer = tickets,
  ) {}

  async load(): Promise<void> {
    this.#reading?.abort();
    const reading = (this.#reading = new AbortController());
    try {
      const ticket = await this.server.read(this.number, reading.signal);
      if (reading.signal.aborted) return;
      this.ticket = ticket;
      this.problem = undefined;
    } catch (error) {
      if (!reading.signal.aborted) this.problem = error;
    }
  }

  /** Lets go of what is under way. */
  close(): void {
    this.#reading?.abort();
  }

  /**
   * Sends an answer. What came to the ticket since the writing began is shown first, so that nobody answers past the
   * user or a colleague (chatwoot#14934); the second attempt goes through.
   */
  async answer(draft: AnswerDraft, contact: ContactID | undefined): Promise<Sent> {
    await this.load();
    if (!this.ticket || this.problem) return 'failed';
    const newest = newestExchange(this.ticket);
    if (newest > draft.seen) {
      draft.see(newest);
      return 'stale';
    }
    if (!(await this.#write(() => this.server.add(this.number, entryOf('answer', draft.text, contact))))) return 'failed';
    draft.clear();
    return 'sent';
  }

  note(text: string): Promise<boolean> {
    return this.#write(() => this.server.add(this.number, entryOf('note', text)));
  }

  setStatus(status: TicketStatus): Promise<boolean> {
    return this.#write(() => this.server.setStatus(this.number, status));
  }

  async #write(change: () => Promise<unknown>): Promise<boolean> {
    try {
      await change();
    } catch (error) {
      this.problem = error;
      return false;
    }
    await this.load();
    return true;
  }
}

function entryOf(kind: 'note' | 'answer', text: string, contact?: ContactID) {
  return { kind, text: text.trim(), ...(contact && { contact }) };
}

/** Keeps a ticket in sight up to date. Call it while a component is made; it follows the number. */
export function watchTicket(number: () => TicketNumber | undefined): { readonly view: TicketView | undefined } {
  const wanted = $derived(number());
  const view = $derived(wanted ? new TicketView(wanted) : undefined);
  $effect(() => {
    const shown = view;
    if (!shown) return;
    void shown.load();
    const timer = setInterval(() => {
      if (document.visibilityState === 'visible') void shown.load();
    }, refreshEvery);
    return () => {
      clearInterval(timer);
      shown.close();
    };
  });
  return {
    get view() {
      return view;
    },
  };
}

/** A failure in words. */
export function failureWords(
  problem: unknown,
  t: { unreachable: string; forbidden: string; missing: string; unknown: string; failed: (reason: string) => string },
): string {
  if (!(problem instanceof ApiError)) return t.unknown;
  if (problem.status === 0 || problem.status >= 502) return t.unreachable;
  if (problem.status === 403) return t.forbidden;
  if (problem.status === 404) return t.missing;
  return problem.words ? t.failed(problem.words) : t.unknown;
}
