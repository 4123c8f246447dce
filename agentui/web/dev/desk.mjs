// The stand-in's answers by HTTP (src/lib/api.ts): a few tickets, outage messages and figures, kept in memory.

import { callers, notices, openTickets, ticketRow } from './parts.mjs';

const minute = 60_000;
const hour = 60 * minute;

const html = `<!doctype html><meta charset="utf-8"><style>body{font:15px/1.5 sans-serif;margin:12px}td,th{border:1px solid #999;padding:2px 8px}</style>
<p>Hej!</p><p>Schemat för <b>7B</b> visar fel salar sedan i måndags:</p>
<table><tr><th>Dag</th><th>Visas</th><th>Ska vara</th></tr><tr><td>Måndag</td><td>B214</td><td>A101</td></tr><tr><td>Onsdag</td><td>B214</td><td>A103</td></tr></table>
<p>Kan ni rätta det?<br>Leila Farah</p><script>parent.postMessage('a script ran', '*')</script>`;

/** Half a second of a tone, in stereo as recordings are: the user on the left, the agent on the right. */
function wav() {
  const rate = 8000;
  const samples = rate / 2;
  const file = Buffer.alloc(44 + samples * 4);
  file.write('RIFF', 0);
  file.writeUInt32LE(file.length - 8, 4);
  file.write('WAVEfmt ', 8);
  file.writeUInt32LE(16, 16);
  for (const [at, value] of [[20, 1], [22, 2], [32, 4], [34, 16]]) file.writeUInt16LE(value, at);
  file.writeUInt32LE(rate, 24);
  file.writeUInt32LE(rate * 4, 28);
  file.write('data', 36);
  file.writeUInt32LE(samples * 4, 40);
  for (let n = 0; n < samples; n++) file.writeInt16LE(Math.round(8000 * Math.sin((2 * Math.PI * 440 * n) / rate)), 44 + n * 4);
  return file;
}

/** Calls of which a recording is kept, the newest first. */
function recordedCalls(now) {
  const call = (minutes, agents, extra) => ({
    contact: `0193aa${String(minutes).padStart(6, '0')}-7000-8000-000000000001`,
    line: 'staff',
    agents: agents.map(([agent, name]) => ({ agent, name })),
    arrived: now - minutes * minute,
    lengthMs: 40_000 + minutes * 1700,
    deleteAfter: now + 90 * 24 * hour,
    ...extra,
  });
  const [anna, bo, eva] = [['anna', 'Anna Lind'], ['bo', 'Bo Lind'], ['eva', 'Eva Berg']];
  return [
    call(14, [anna], { ticket: 'SD-100240' }),
    call(32, [bo, eva], { ticket: 'SD-100231' }),
    call(58, [anna], { outgoing: true }),
    call(75, [['hassan', 'Hassan Amiri-Lundqvist']]),
    call(3 * 24 * 60, [bo], { ticket: 'SD-100240' }),
  ];
}

function ticketsOf(now) {
  const mail = {
    ...ticketRow('SD-100240', 'incident', 'in-progress', 'Fel i schemat sedan i måndags', now - 95 * minute),
    category: 'course',
    channel: 'mail',
    line: 'mailbox',
    language: 'sv',
    reporter: { name: 'Leila Farah', address: 'leila.farah@example.org' },
    contacts: ['0193-mail'],
    entries: [
      {
        id: 1,
        at: now - 95 * minute,
        kind: 'from-user',
        text: 'Hej!\nSchemat för 7B visar fel salar sedan i måndags.\nKan ni rätta det?\nLeila Farah',
        html: true,
        attachments: [
          { id: 7, name: 'schema vecka 48.pdf', type: 'application/pdf', size: 184_320 },
          { id: 8, name: 'skärmbild.png', type: 'image/png', size: 912_000 },
        ],
      },
      { id: 2, at: now - 90 * minute, kind: 'status', status: 'in-progress', agent: 'bo' },
      { id: 3, at: now - 88 * minute, kind: 'note', agent: 'bo', text: 'Rättat i schemasystemet, synkas varje timme. Kontrollera efter klockan 13.' },
      { id: 4, at: now - 80 * minute, kind: 'answer', agent: 'bo', text: 'Hej Leila! Vi ser felet och rättar det under dagen.' },
      { id: 5, at: now - 20 * minute, kind: 'from-user', text: 'Tack! Onsdagen är fortfarande fel.' },
    ],
  };
  const form = {
    ...ticketRow('SD-100241', 'incident', 'registered', 'Nätet i sal B214 är borta', now - 12 * minute, 'network'),
    channel: 'form',
    line: 'portal',
    language: 'sv',
    reporter: { person: 'p-204', name: 'Jonas Ek', address: 'jonas.ek@example.org' },
    contacts: ['0193-form'],
    entries: [
      {
        id: 11,
        at: now - 12 * minute,
        kind: 'from-user',
        text: 'Ingen i sal B214 kommer ut på nätet sedan i morse. Andra salar fungerar. Elevernas prov börjar klockan 10.',
      },
    ],
  };
  const others = openTickets(now).map((row) => ({
    ...row,
    channel: 'voice',
    language: 'sv',
    reporter: { name: 'Karin Öst' },
    contacts: [],
    entries: [{ id: 21, at: row.created, kind: 'from-user', text: row.subject }],
  }));
  const done = {
    ...ticketRow('SD-100150', 'question', 'closed', 'Hur delar jag en mapp med en kollega?', now - 9 * 24 * hour, ''),
    channel: 'chat',
    language: 'sv',
    reporter: {},
    contacts: [],
    entries: [],
  };
  return [form, mail, ...others, done];
}

/** The agent's last contacts, in every way in which one can end. */
function ownContacts(now) {
  const had = (minutes, extra) => ({
    contact: `0193-own-${minutes}`,
    channel: 'voice',
    line: 'staff',
    caller: callers.known,
    state: 'closed',
    end: 'handled',
    parted: 'finished',
    taken: now - minutes * minute,
    arrived: now - (minutes + 1) * minute,
    talkMs: 187_000,
    heldMs: 0,
    wrapUpMs: 40_000,
    ...extra,
  });
  return [
    had(4, { code: 'not-stated', lapsed: true }),
    had(21, { channel: 'chat', line: 'chat-platform', caller: callers.claimed, code: 'solved', ticket: 'SD-100231', talkMs: 0 }),
    had(38, { caller: callers.protected, parted: 'dropped' }),
    had(64, { channel: 'mail', line: 'mailbox', caller: callers.signedIn, ticket: 'SD-100240', talkMs: 0 }),
    had(80, { caller: callers.withheld, parted: 'returned', talkMs: 0 }),
  ];
}

/** Why a call came to this agent, as the record tells it. */
function explanationOf(now, language) {
  const steps = [
    [245, 'arrived', 'Samtalet kom in på linjen Medarbetare.', 'The call came in on the line Staff.'],
    [240, 'queued', 'Det ställdes i kö. Det behövdes Lärplattformen på nivå 3 och Medarbetare.', 'It was queued. It needed Learning platform at level 3, and Staff.'],
    [225, 'offered', 'Det erbjöds Eva Berg, som hade varit ledig längst av 2.', 'It was offered to Eva Berg, who had been idle longest of 2.'],
    [218, 'declined', 'Eva Berg avböjde.', 'Eva Berg declined.'],
    [216, 'relaxed', 'Kravet sänktes efter 30 sekunder till Medarbetare.', 'After 30 seconds the demand was lowered to Staff.'],
    [215, 'offered', 'Det erbjöds Anna Lind, som hade varit ledig längst av 3.', 'It was offered to Anna Lind, who had been idle longest of 3.'],
    [211, 'connected', 'Anna Lind svarade efter 34 sekunder. Målet var 60 sekunder.', 'Anna Lind answered after 34 seconds. The target was 60 seconds.'],
  ];
  return steps.map(([ago, kind, sv, en]) => ({ at: now - ago * 1000, kind, text: language === 'en' ? en : sv }));
}

function figuresOf(query, now) {
  const lengths = { hour, day: 24 * hour, month: 30 * 24 * hour, total: 0 };
  const step = lengths[query.get('by')] ?? 0;
  const kinds = [
    ['voice', 'staff', 'staff', 212, 0.94],
    ['voice', 'pupils', 'pupil', 48, 0.88],
    ['voice', 'priority', 'contact-centre', 6, 1],
    ['chat', 'chat-platform', '', 31, 0.9],
    ['mail', 'mailbox', '', 64, 0.97],
    ['form', 'portal', 'staff', 19, 1],
  ];
  const rows = [];
  for (let back = step ? 2 : 0; back >= 0; back--) {
    for (const [channel, line, audience, offered, share] of kinds) {
      const wanted = { channel, line, audience };
      if (Object.entries(wanted).some(([name, value]) => query.get(name) && query.get(name) !== value)) continue;
      const answered = Math.floor(offered * share);
      const open = back === 0 && channel === 'mail' ? 1 : 0;
      const unit = channel === 'mail' || channel === 'form' ? 40 * minute : 21_000;
      const times = { n: answered, meanMs: unit, medianMs: unit * 0.8, p90Ms: unit * 2.4, maxMs: unit * 5 };
      rows.push({
        start: new Date(now - back * step).toISOString(),
        ...wanted,
        offered,
        answered,
        unreplied: channel === 'mail' ? 3 : 0,
        handedOver: channel === 'voice' ? 1 : 0,
        transfers: channel === 'voice' ? 4 : 0,
        abandoned: [{ stage: 'queue', count: offered - answered - open, short: channel === 'voice' && offered > 20 ? 2 : 0 }],
        calledBack: 0,
        outsideHours: 0,
        refused: 0,
        dropped: 0,
        open,
        fromArrival: { ...times, meanMs: unit + 14_000 },
        fromQueue: times,
        withinTarget: Math.floor(answered * 0.86),
        answerable: offered,
      });
    }
  }
  return rows;
}

/** Makes the answers of one desk; each is [status, body, headers]. */
export function makeDesk() {
  const start = Date.now();
  const tickets = ticketsOf(start);
  let standing = notices(start);
  let log = [];
  let recorded = recordedCalls(start);
  let embargoes = [];
  let lifted = [];
  let next = 100;

  const blocked = (notice) => embargoes.some((embargo) => !embargo.service || embargo.service === notice.service);
  const find = (number) => tickets.find((ticket) => ticket.number === number);
  const enter = (ticket, entry) => {
    const kept = { id: ++next, at: Date.now(), agent: 'anna', ...entry };
    ticket.entries.push(kept);
    ticket.changed = kept.at;
    return kept;
  };

  const routes = [
    ['GET', /^\/me\/contacts$/, (_match, query) => {
      const all = ownContacts(start);
      const from = Number(query.get('before') || 0);
      return [200, { contacts: all.slice(from, from + 3), ...(from + 3 < all.length && { next: String(from + 3) }) }];
    }],
    ['GET', /^\/contacts\/[^/]+\/explanation$/, (_match, query) => [200, { steps: explanationOf(start, query.get('language')) }]],
    ['GET', /^\/recordings$/, (_match, query) => {
      const is = (name, value) => !query.get(name) || query.get(name) === value;
      const found = recorded.filter(
        ({ contact, ticket, agents, arrived }) =>
          is('contact', contact) && is('ticket', ticket) && agents.some(({ agent }) => is('agent', agent)) &&
          arrived >= Date.parse(query.get('from') ?? '1970-01-01') && arrived < Date.parse(query.get('to') ?? '9999-01-01'),
      );
      const from = found.findIndex(({ contact }) => contact === query.get('before')) + 1;
      const page = found.slice(from, from + 4);
      return [200, { calls: page, ...(from + 4 < found.length && { next: page.at(-1).contact }) }];
    }],
    ['GET', /^\/contacts\/[^/]+\/recording$/, () => [200, wav(), { 'Content-Type': 'audio/wav' }]],
    ['POST', /^\/search\/tickets$/, (_match, _query, wanted) => {
      const words = (wanted.search ?? '').toLowerCase();
      const found = tickets.filter(
        (ticket) =>
          `${ticket.number} ${ticket.subject}`.toLowerCase().includes(words) &&
          (!wanted.status || ticket.status === wanted.status) &&
          (!wanted.open || ticket.status === 'registered' || ticket.status === 'in-progress'),
      );
      return [200, { tickets: found.map((ticket) => ({ ...ticket, entries: null, reporter: ticket.reporter.name })), more: false }];
    }],
    ['GET', /^\/tickets\/([^/]+)$/, ([, number]) => (find(number) ? [200, find(number)] : [404, { title: 'Not Found' }])],
    ['POST', /^\/tickets$/, (_match, _query, body) => {
      const number = `SD-${++next + 100_200}`;
      const row = ticketRow(number, body.kind, 'registered', body.subject, Date.now(), body.service ?? '');
      tickets.unshift({ ...row, channel: 'voice', language: 'sv', reporter: {}, contacts: [body.contact], entries: [] });
      return [201, { number }];
    }],
    ['POST', /^\/tickets\/([^/]+)\/entries$/, ([, number], _query, { kind, text }) => [201, enter(find(number), { kind, text })]],
    ['POST', /^\/tickets\/([^/]+)\/status$/, ([, number], _query, { status }) => {
      find(number).status = status;
      enter(find(number), { kind: 'status', status });
      return [204];
    }],
    ['POST', /^\/tickets\/([^/]+)\/contacts$/, ([, number], _query, { contact }) => {
      if (!find(number)) return [404, { title: 'Not Found' }];
      enter(find(number), { kind: 'link', contact });
      return [204];
    }],
    ['GET', /^\/tickets\/[^/]+\/entries\/\d+\/html$/, () => [
      200,
      html,
      {
        'Content-Type': 'text/html; charset=utf-8',
        'Content-Security-Policy': "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'; sandbox",
      },
    ]],
    ['GET', /^\/notices$/, () => [200, { notices: standing.map((one) => ({ ...one, blocked: blocked(one) })), embargoes, log: [...standing].reverse().concat(log), embargoLog: [...embargoes, ...lifted] }]],
    ['POST', /^\/notices$/, (_match, _query, body) => {
      const now = Date.now();
      const notice = { from: now, ...body, id: `n-${++next}`, published: now, by: 'anna' };
      standing = [...standing, notice];
      return [201, { id: notice.id, blocked: blocked(notice) }];
    }],
    ['POST', /^\/notices\/([^/]+)\/withdraw$/, ([, id]) => {
      const gone = standing.find((one) => one.id === id);
      standing = standing.filter((one) => one !== gone);
      log = [{ ...gone, withdrawn: Date.now(), withdrawnBy: 'anna' }, ...log];
      return [204];
    }],
    ['POST', /^\/embargoes$/, (_match, _query, body) => {
      embargoes = [...embargoes, { ...body, id: `e-${++next}`, from: Date.now(), by: 'anna' }];
      return [201, { id: `e-${next}` }];
    }],
    ['POST', /^\/embargoes\/([^/]+)\/lift$/, ([, id]) => {
      lifted = embargoes.filter((one) => one.id === id).map((one) => ({ ...one, lifted: Date.now(), liftedBy: 'anna' })).concat(lifted);
      embargoes = embargoes.filter((one) => one.id !== id);
      return [204];
    }],
    ['GET', /^\/figures$/, (_match, query) => [200, { rows: figuresOf(query, Date.now()) }]],
  ];

  return {
    /** Sets what a state needs: a desk under the City's embargo. */
    embargo() {
      embargoes = [
        {
          id: 'e-1',
          contact: 'Maria Strand, stadens IT-avdelning',
          scope: 'Allt om lärplattformen tills stadens egen information är ute',
          relief: 'SKL-2026-114',
          from: Date.now() - 5 * minute,
          by: 'eva',
        },
      ];
    },
    /** Sets a desk that keeps no recordings. */
    forgetRecordings() {
      recorded = [];
    },
    answer(method, path, query, body) {
      for (const [verb, pattern, make] of routes) {
        const match = verb === method && pattern.exec(path);
        if (match) return make(match, query, body);
      }
      return [404, { title: 'Not Found' }];
    },
  };
}
