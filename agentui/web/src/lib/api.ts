import type { AgentID, Audience, Caller, Channel, Colleague, ContactState, Instant, LineID, Millis, Notice, NoticeCard, ServiceID } from './protocol';
import type { ContactID, OutcomeCode, Texts, TicketKind, TicketNumber, TicketRow, TicketStatus } from './protocol';

/**
 * What the console asks of the server by HTTP (/api/v1, described at /api/v1/openapi.json). The session's cookie goes
 * along by itself; the server refuses what comes from pages of another origin, so nothing has to be added here.
 */

/** An answer that is not a good one: words are the server's, when it had any. */
export class ApiError extends Error {
  constructor(
    /** The HTTP status; 0 when there was no answer. */
    readonly status: number,
    readonly words: string,
  ) {
    super(`${status} ${words}`);
  }
}

export type EntryKind = 'from-user' | 'answer' | 'note' | 'status' | 'link';

export interface Attachment {
  id: number;
  name: string;
  type: string;
  size: number;
}

/** One line of a ticket's log. */
export interface Entry {
  id: number;
  at: Instant;
  kind: EntryKind;
  agent?: string;
  text?: string;
  status?: TicketStatus;
  contact?: ContactID;
  html?: boolean;
  attachments?: Attachment[] | null;
  failed?: string;
}

export interface Ticket extends TicketRow {
  masked?: boolean;
  category?: string;
  channel: Channel;
  line?: LineID;
  language: string;
  person?: string;
  reporter: { person?: string; name?: string; address?: string };
  follows?: TicketNumber;
  solved?: Instant;
  closed?: Instant;
  contacts: ContactID[] | null;
  entries: Entry[] | null;
}

/** A ticket in a list. One that concerns a protected person is masked for those outside the group: no subject, nobody. */
export interface ListedTicket extends TicketRow {
  masked?: boolean;
  reporter?: string;
}

export interface TicketSearch {
  search?: string;
  status?: TicketStatus | '';
  open?: boolean;
  mine?: boolean;
  before?: TicketNumber;
}

export interface NewTicket {
  kind: TicketKind;
  subject: string;
  service?: ServiceID;
  category?: string;
  contact?: ContactID;
  note?: string;
}

export interface Embargo {
  id: string;
  service?: ServiceID;
  contact: string;
  scope: string;
  relief?: string;
  from: Instant;
  by: string;
  lifted?: Instant;
  liftedBy?: string;
}

export interface NoticeBoard {
  notices: NoticeCard[] | null;
  embargoes: Embargo[] | null;
  log: Notice[] | null;
  embargoLog: Embargo[] | null;
}

export interface NewNotice {
  service?: ServiceID;
  lines: LineID[];
  audiences: Audience[];
  text: Texts;
  from?: Instant;
  until?: Instant;
}

export interface NewEmbargo {
  service?: ServiceID;
  contact: string;
  scope: string;
  relief?: string;
}

export type Interval = 'hour' | 'day' | 'month' | 'total';

export interface FiguresQuery {
  from: string;
  to: string;
  by: Interval;
  channel?: Channel | '';
  line?: LineID;
  audience?: Audience;
}

export interface Times {
  n: number;
  meanMs: Millis;
  medianMs: Millis;
  p90Ms: Millis;
  maxMs: Millis;
}

/** The figures of the contacts of a channel, line and audience that arrived in the interval from start on. */
export interface FiguresRow {
  start: string;
  channel: Channel;
  line: LineID;
  audience: Audience;
  offered: number;
  answered: number;
  unreplied: number;
  abandoned: { stage: string; count: number; short: number }[] | null;
  /** Of the answered: those that a place outside took over. */
  handedOver: number;
  /** How often contacts were sent on. */
  transfers: number;
  calledBack: number;
  outsideHours: number;
  refused: number;
  dropped: number;
  open: number;
  fromArrival: Times;
  fromQueue: Times;
  withinTarget: number;
  answerable: number;
}

/** How the agent's part in a contact ended. */
export type Parted = 'finished' | 'returned' | 'dropped' | 'transferred' | 'handed-over' | 'promised';

/** One of the agent's last contacts; times are those of this agent's own part. */
export interface OwnContact {
  contact: ContactID;
  channel: Channel;
  line: LineID;
  audience?: Audience;
  caller: Caller;
  state: ContactState;
  end?: string;
  parted?: Parted;
  code?: OutcomeCode;
  ticket?: TicketNumber;
  taken: Instant;
  arrived: Instant;
  answered?: Instant;
  closed?: Instant;
  talkMs: Millis;
  heldMs: Millis;
  wrapUpMs: Millis;
  lapsed?: boolean;
}

const base = '/api/v1';

export const tickets = {
  async list(search: TicketSearch, signal?: AbortSignal): Promise<{ tickets: ListedTicket[]; more: boolean }> {
    const found = await post<{ tickets: ListedTicket[] | null; more?: boolean }>('/search/tickets', given({ ...search }), signal);
    return { tickets: found.tickets ?? [], more: found.more ?? false };
  },
  read: (number: TicketNumber, signal?: AbortSignal) => get<Ticket>(`/tickets/${encodeURIComponent(number)}`, signal),
  create: (ticket: NewTicket) => post<{ number: TicketNumber }>('/tickets', ticket),
  add: (number: TicketNumber, entry: { kind: 'note' | 'answer'; text: string; contact?: ContactID }) =>
    post<Entry>(`/tickets/${encodeURIComponent(number)}/entries`, entry),
  setStatus: (number: TicketNumber, status: TicketStatus) =>
    post<void>(`/tickets/${encodeURIComponent(number)}/status`, { status }),
  link: (number: TicketNumber, contact: ContactID) =>
    post<void>(`/tickets/${encodeURIComponent(number)}/contacts`, { contact }),
  /** The address of an entry's HTML body; it is shown in a sandboxed frame only. */
  html: (number: TicketNumber, entry: number) => `${base}/tickets/${encodeURIComponent(number)}/entries/${entry}/html`,
  attachment: (number: TicketNumber, id: number) => `${base}/tickets/${encodeURIComponent(number)}/attachments/${id}`,
};

export const ownContacts = {
  /** The agent's last contacts, newest first; before is what the page before had as next. */
  list: (before?: string, signal?: AbortSignal) =>
    get<{ contacts: OwnContact[]; next?: string }>(`/me/contacts${query({ before, limit: 10 })}`, signal),
};

/** A step of what the record says of a contact, in words. */
export interface ExplanationStep {
  at: Instant;
  kind: string;
  text: string;
}

/** Tells why a contact went the way it did, in the language. */
export const explanation = {
  read: async (contact: ContactID, language: string, signal?: AbortSignal): Promise<ExplanationStep[]> =>
    (await get<{ steps: ExplanationStep[] | null }>(`/contacts/${encodeURIComponent(contact)}/explanation${query({ language })}`, signal))
      .steps ?? [],
};

export const noticeBoard = {
  read: (signal?: AbortSignal) => get<NoticeBoard>('/notices', signal),
  publish: (notice: NewNotice) => post<{ id: string; blocked: boolean }>('/notices', notice),
  withdraw: (id: string) => post<void>(`/notices/${encodeURIComponent(id)}/withdraw`),
  embargo: (embargo: NewEmbargo) => post<void>('/embargoes', embargo),
  lift: (id: string) => post<void>(`/embargoes/${encodeURIComponent(id)}/lift`),
};

/** Calls of which a recording is kept are found by when they came, who had them and what they were about. */
export interface RecordingsQuery {
  /** As RFC 3339 has them. */
  from?: string;
  to?: string;
  agent?: AgentID;
  ticket?: TicketNumber;
  contact?: ContactID;
  /** What the page before had as next. */
  before?: ContactID;
}

/** A call of which a recording is kept. */
export interface RecordedCall {
  contact: ContactID;
  line: LineID;
  agents: Colleague[];
  ticket?: TicketNumber;
  outgoing?: boolean;
  arrived: Instant;
  lengthMs: Millis;
  deleteAfter?: Instant;
}

export const recordings = {
  list: (wanted: RecordingsQuery, signal?: AbortSignal) => get<{ calls: RecordedCall[]; next?: ContactID }>(`/recordings${query({ ...wanted })}`, signal),
  /** Fetches what was recorded of a call, with the reason that goes to the log; a header, for it may be about a person. */
  async read(contact: ContactID, reason: string, signal: AbortSignal): Promise<Blob> {
    let response: Response;
    try {
      response = await fetch(`${base}/contacts/${encodeURIComponent(contact)}/recording`, { headers: { 'Svar-Reason': encodeURIComponent(reason) }, signal });
    } catch {
      throw new ApiError(0, '');
    }
    if (!response.ok) throw new ApiError(response.status, await words(response));
    return response.blob();
  },
};

export const figures = {
  async read(wanted: FiguresQuery, signal?: AbortSignal): Promise<FiguresRow[]> {
    return (await get<{ rows: FiguresRow[] | null }>(`/figures${query({ ...wanted })}`, signal)).rows ?? [];
  },
  csv: (wanted: FiguresQuery) => `${base}/figures.csv${query({ ...wanted })}`,
};

type Values = Record<string, string | number | boolean | undefined>;

/** The values without those that are empty. */
function given(values: Values): Values {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined && value !== '' && value !== false));
}

/** The query of an address; what is empty is left out. Words about people go into a body instead: addresses end up in logs. */
export function query(values: Values): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(given(values))) parameters.set(name, String(value));
  const text = parameters.toString();
  return text && `?${text}`;
}

function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  return answerOf<T>(path, { headers: { Accept: 'application/json' }, signal: signal ?? null });
}

function post<T>(path: string, body: unknown = {}, signal?: AbortSignal): Promise<T> {
  return answerOf<T>(path, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Accept: 'application/json' },
    body: JSON.stringify(body),
    signal: signal ?? null,
  });
}

async function answerOf<T>(path: string, request: RequestInit): Promise<T> {
  let response: Response;
  try {
    response = await fetch(base + path, request);
  } catch (error) {
    if (request.signal?.aborted) throw error;
    throw new ApiError(0, '');
  }
  if (!response.ok) throw new ApiError(response.status, await words(response));
  const text = await response.text();
  return (text ? JSON.parse(text) : undefined) as T;
}

/** The words of a problem (RFC 9457), if there are any. */
async function words(response: Response): Promise<string> {
  try {
    const problem = (await response.json()) as { title?: string; detail?: string };
    return problem.detail ?? problem.title ?? '';
  } catch {
    return '';
  }
}
