/** The messages of the socket, as channels/chat/protocol.go has them. */

export const protocolVersion = 1;

/** Why the server closes a socket for good. */
export const closeCode = { wrongProtocol: 4400, noTopic: 4404, elsewhere: 4409 } as const;

/** Milliseconds since the Unix epoch. */
export type Instant = number;

export type Phase = 'waiting' | 'joined' | 'ended';

export interface Line {
  sequence: number;
  id: string;
  from: 'caller' | 'agent' | 'system';
  kind: 'text' | 'prompt' | 'joined' | 'left' | 'ended';
  text?: string;
  at: Instant;
}

export interface Notice {
  id: string;
  text: string;
}

export interface Desk {
  open: boolean;
  opens?: Instant;
  notices: Notice[];
}

export interface Welcome {
  token: string;
  resumed: boolean;
  name: string;
  language: string;
  languages: string[];
}

export type RefusalCode =
  | 'unavailable'
  | 'too-fast'
  | 'closed'
  | 'too-many'
  | 'ended'
  | 'invalid'
  | 'invalid-address';

export interface Message {
  welcome?: Welcome;
  desk?: Desk;
  lines?: Line[];
  state?: Phase;
  ack?: { id: string; sequence: number };
  left?: { id: string; ticket: string };
  refused?: { code: RefusalCode; id: string };
}

export interface Leave {
  id: string;
  text: string;
  name?: string;
  address?: string;
}

export interface Request {
  hello?: { topic: string; language: string; resume?: string; after?: number; follows?: string };
  send?: { id: string; text: string };
  end?: Record<string, never>;
  leave?: Leave;
}

/** The longest text, in characters (not UTF-16 units). */
export const maxText = 4000;
