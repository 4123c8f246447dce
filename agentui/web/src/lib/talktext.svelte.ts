import type { Millis, OfferID } from './protocol';
import { endOfLine, nothingWritten, typed, written, type Written } from './realtimetext';

/** What is typed goes out at latest after this: half of what EN 301 549 (6.2.4) allows, for the node waits too. */
export const sendsWithin: Millis = 200;

/** What is needed of a data channel. */
export interface TextChannel {
  readonly readyState: RTCDataChannelState;
  send(text: string): void;
}

/** The text beside one call, over whichever connection carries the call just now. */
export class TalkText {
  written = $state.raw<Written>(nothingWritten);
  /** The user's side takes text, by the node's word. */
  reads = $state(false);
  /** A connection takes text. */
  open = $state(false);

  #channel: TextChannel | undefined;
  /** What the other side has of the line that is being typed. */
  #sent = '';
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Takes the channel of a new connection: what was typed meanwhile goes out over it. */
  use(channel: TextChannel): void {
    this.#channel = channel;
    this.changed();
  }

  /** Looks at the channel again: it was opened or closed. */
  changed(): void {
    this.open = this.#channel?.readyState === 'open';
    if (this.open) this.#flush();
  }

  receive(text: string): void {
    this.written = written(this.written, 'theirs', text);
  }

  /** Takes the line as it stands in its field. */
  type(line: string): void {
    this.written = { ...this.written, open: { ...this.written.open, mine: line } };
    this.#timer ??= setTimeout(() => this.#flush(), sendsWithin);
  }

  /** Ends the line. Nothing happens to an empty one. */
  endLine(): void {
    if (this.written.open.mine === '') return;
    this.#flush();
    this.#send(endOfLine);
    this.#sent = '';
    this.written = written(this.written, 'mine', endOfLine);
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#channel = undefined;
    this.open = false;
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const line = this.written.open.mine;
    if (this.#send(typed(this.#sent, line))) this.#sent = line;
  }

  #send(text: string): boolean {
    if (text === '') return true;
    if (this.#channel?.readyState !== 'open') return false;
    this.#channel.send(text);
    return true;
  }
}

/** The texts of the calls of this window. */
export class TalkTexts {
  /** The call that something was written in last, so that its pane opens. */
  heard = $state<OfferID | undefined>();
  #texts = new Map<OfferID, TalkText>();

  of(offer: OfferID): TalkText {
    let text = this.#texts.get(offer);
    if (!text) this.#texts.set(offer, (text = new TalkText()));
    return text;
  }

  /** Takes the channel that the node opened for a call. */
  attach(offer: OfferID, channel: RTCDataChannel): void {
    const text = this.of(offer);
    channel.onopen = channel.onclose = () => text.changed();
    channel.onmessage = ({ data }: MessageEvent<unknown>) => {
      // RFC 8865, 4.1: strings in UTF-8; from a stranger, so anything else is left alone.
      if (typeof data !== 'string' || data === '') return;
      text.receive(data);
      if (text.written !== nothingWritten) this.heard = offer;
    };
    text.use(channel);
  }

  /** Forgets the texts of calls that are over: nothing of them is kept. */
  keepOnly(offers: ReadonlySet<OfferID>): void {
    for (const [offer, text] of this.#texts) {
      if (offers.has(offer)) continue;
      text.close();
      this.#texts.delete(offer);
      if (this.heard === offer) this.heard = undefined;
    }
  }
}

export const talkTexts = new TalkTexts();
