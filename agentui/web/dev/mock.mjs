// A stand-in for the server: serves the built console under the real content security policy and plays the states of
// states.mjs. http://127.0.0.1:8081/console/?state=ringing shows one; without ?state the sign-in form leads to a small
// working day: ready, an offer after two seconds, answer, hang up, finish. There is no voice in it.
//
//   npm run build && npm run mock

import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { WebSocketServer } from 'ws';
import { makeDesk } from './desk.mjs';
import { chatLines, contactOf, hello, offerOf } from './parts.mjs';
import { greetings, takesText } from './phone-states.mjs';
import { breaks, closes, refusals, signedOutStates, states, then } from './states.mjs';

const dist = fileURLToPath(new URL('../dist/', import.meta.url));
const types = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml' };
const session = { account: 'anna', name: 'Anna Lind', role: 'agent' };

/** Starts the stand-in. Returns its address and how to stop it. */
export async function startMock({ port = 0 } = {}) {
  /** States whose socket broke; loading the page again heals them. */
  const broken = new Set();
  const server = createServer((request, response) => {
    if (request.url.includes('?state=')) broken.clear();
    void answer(request, response).catch((error) => response.writeHead(500).end(String(error)));
  });
  const sockets = new WebSocketServer({ noServer: true });
  server.on('upgrade', (request, socket, head) => {
    const state = cookie(request, 'mock-state');
    if (!state || broken.has(state)) return socket.destroy();
    sockets.handleUpgrade(request, socket, head, (client) => {
      play(client, state);
      if (breaks[state]) setTimeout(() => (broken.add(state), client.close()), breaks[state]);
    });
  });
  await new Promise((listening) => server.listen(port, '127.0.0.1', listening));
  return {
    origin: `http://127.0.0.1:${server.address().port}`,
    async stop() {
      for (const client of sockets.clients) client.terminate();
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}

function cookie(request, name) {
  return new RegExp(`(?:^|; )${name}=([^;]*)`).exec(request.headers.cookie ?? '')?.[1];
}

async function answer(request, response) {
  const { pathname, searchParams } = new URL(request.url, 'http://mock');
  response.setHeader('Content-Security-Policy', "default-src 'self'; media-src 'self' blob:; frame-ancestors 'none'; base-uri 'none'");
  response.setHeader('Cache-Control', 'no-store');
  if (pathname === '/api/v1/session') return answerSession(request, response);
  if (pathname.startsWith('/api/v1/')) return answerDesk(request, response, pathname.slice('/api/v1'.length), searchParams);
  if (!pathname.startsWith('/console')) return response.writeHead(302, { Location: '/console/' }).end();
  const state = searchParams.get('state');
  if (state) response.setHeader('Set-Cookie', `mock-state=${signedOutStates.includes(state) ? '' : state}; Path=/; SameSite=Strict`);
  const file = normalize(pathname.slice('/console'.length));
  const name = extname(file) ? file : 'index.html';
  try {
    const body = await readFile(join(dist, name));
    response.writeHead(200, { 'Content-Type': types[extname(name)] ?? 'application/octet-stream' }).end(body);
  } catch {
    response.writeHead(404).end();
  }
}

/** One desk for each state, so that what is done in one is not seen in another. */
const desks = new Map();

async function answerDesk(request, response, path, query) {
  const state = cookie(request, 'mock-state');
  if (!state) return response.writeHead(401, { 'Content-Type': 'application/problem+json' }).end('{"title":"Not signed in"}');
  let desk = desks.get(state);
  if (!desk) {
    desks.set(state, (desk = makeDesk()));
    if (state.includes('blocked')) desk.embargo();
    if (state === 'recordings-none') desk.forgetRecordings();
  }
  let text = '';
  for await (const chunk of request) text += chunk;
  const [status, body, headers = { 'Content-Type': 'application/json' }] = desk.answer(
    request.method,
    path,
    query,
    text ? JSON.parse(text) : {},
  );
  response.writeHead(status, headers).end(typeof body === 'object' && !Buffer.isBuffer(body) ? JSON.stringify(body) : body);
}

async function answerSession(request, response) {
  const json = (status, body, headers = {}) =>
    response.writeHead(status, { 'Content-Type': 'application/json', ...headers }).end(body && JSON.stringify(body));
  const cookieFor = (state) => ({ 'Set-Cookie': `mock-state=${state}; Path=/; SameSite=Strict` });
  if (request.method === 'GET') {
    return cookie(request, 'mock-state') ? json(200, session) : json(401, { title: 'Not signed in' });
  }
  if (request.method === 'DELETE') return json(204, undefined, cookieFor(''));
  let body = '';
  for await (const chunk of request) body += chunk;
  const { account, password } = JSON.parse(body);
  if (account === 'anna' && password === 'svar-demo') return json(204, undefined, cookieFor('day'));
  return json(401, { title: 'Wrong account or password' });
}

/** Plays one named state, or the working day, to one console. */
function play(client, name) {
  const send = (message) => client.send(JSON.stringify(message));
  const make = states[name] ?? states['not-ready'];
  const model = make(Date.now());
  const chat = chatLines(Date.now());
  const show = () => send({ state: { ...model, now: Date.now() } });
  let timer;

  const ring = () => {
    const now = Date.now();
    model.offer = { ...offerOf(now), since: now, expires: now + 15_000 };
    model.me = { ...model.me, activity: 'offered', activitySince: now };
    show();
    timer = setTimeout(() => {
      rest({ presence: 'paused', cause: 'missed-offers' });
      model.missed = [{ contact: `missed-${Date.now()}`, channel: 'voice', line: 'staff', cause: 'not-answered', at: Date.now() }, ...model.missed];
      show();
    }, 15_000);
  };
  const rest = (me = {}) => {
    clearTimeout(timer);
    delete model.offer;
    model.contacts = [];
    const { presence, channels, next, nextReason } = model.me;
    const then = next ? { presence: next, reason: nextReason } : { presence };
    model.me = { channels, reachable: true, since: Date.now(), ...then, ...me };
    if (model.me.presence === 'ready') timer = setTimeout(ring, 2000);
  };
  const activity = (state) => {
    clearTimeout(timer);
    const now = Date.now();
    model.me = { ...model.me, activity: state, activitySince: now };
    const { note = '', code, chosenTicket } = model.contacts[0] ?? {};
    model.contacts = [{ ...contactOf(now, state), note, code, chosenTicket, since: now, answered: now }];
    delete model.offer;
  };
  /** Lets the wrap-up run out by itself. */
  const lapseIn = (time) => {
    clearTimeout(timer);
    model.contacts[0] = { ...model.contacts[0], wrapUpUntil: Date.now() + time };
    timer = setTimeout(() => {
      rest();
      show();
    }, time);
  };
  const act = {
    presence: ({ presence, reason, channels, afterContact }) => {
      const busy = model.contacts.length > 0 || model.offer !== undefined;
      if (busy && afterContact) model.me = { ...model.me, next: presence, nextReason: reason };
      else if (busy) model.me = { ...model.me, presence, reason, channels, next: undefined, nextReason: undefined };
      else rest({ presence, reason, channels: channels ?? (presence === 'ready' ? undefined : model.me.channels), cause: 'agent' });
    },
    accept: () => activity('connected'),
    decline: () => rest(),
    'hang-up': () => {
      activity('wrap-up');
      lapseIn(180_000);
    },
    hold: () => activity('held'),
    resume: () => activity('connected'),
    key: () => {},
    voice: () => {},
    echo: () => {},
    'echo-end': () => {},
    outcome: ({ code, ticket }) => (model.contacts[0] = { ...model.contacts[0], code, chosenTicket: ticket }),
    extend: () => lapseIn(model.contacts[0].wrapUpUntil + hello.wrapUpExtensionMs - Date.now()),
    note: ({ note }) => (model.contacts[0] = { ...model.contacts[0], note }),
    finish: ({ contact }) => {
      model.today.handled++;
      model.callbacks = model.callbacks.filter((callback) => callback.contact !== contact);
      rest();
    },
    signal: () => {},
    'give-back': ({ contact }) => (model.contacts = model.contacts.filter((one) => one.contact !== contact)),
    dial: () => activity('dialling'),
    callback: ({ contact, at, mine }) => {
      const { line, caller, arrived } = model.contacts[0];
      const promised = { contact, line, caller, arrived, since: Date.now(), dueAt: at, dials: 0, dialsLeft: 3, ...(mine && { for: hello.agent }) };
      model.callbacks = [...model.callbacks, promised];
      rest();
    },
    transfer: () => rest(),
    consult: ({ to }) => {
      activity('held');
      const asked = model.colleagues.find(({ agent }) => agent === to.agent) ?? model.colleagues.find(({ groups, state }) => state === 'ready' && groups.includes(to.group));
      if (!asked) return;
      const consult = (state) => (model.contacts[0] = { ...model.contacts[0], consult: { agent: asked.agent, name: asked.name, state, since: Date.now() } });
      consult('asked');
      timer = setTimeout(() => {
        consult('talking');
        show();
      }, 3000);
    },
    'consult-end': () => activity('held'),
    'complete-transfer': () => rest(),
    conference: ({ on = false }) => (model.contacts[0] = { ...model.contacts[0], conference: on, state: on ? 'connected' : 'held' }),
    mark: ({ mark }) => (model.contacts[0] = { ...model.contacts[0], marks: [...(model.contacts[0].marks ?? []), mark] }),
    recording: ({ on }) => (model.contacts[0] = { ...model.contacts[0], recording: on ? 'resumed' : 'paused' }),
    supervise: ({ contact, mode }) => (model.talks = model.talks?.map((talk) => ({ ...talk, mode: talk.contact === contact ? mode : undefined }))),
    call: () => {
      activity('dialling');
      model.contacts[0] = { ...model.contacts[0], outgoing: true };
    },
    impact: ({ residents }) => (model.contacts[0] = { ...model.contacts[0], residents }),
    'chat-follow': ({ contact, after }) => {
      const lines = chat.filter(({ sequence }) => sequence > after);
      send({ chat: { contact, lines } });
    },
    'chat-send': ({ contact, message, text }) => {
      if (chat.some(({ id }) => id === message)) return;
      const line = { sequence: chat.at(-1).sequence + 1, id: message, from: 'agent', kind: 'text', agent: 'anna', text, at: Date.now() };
      chat.push(line);
      send({ chat: { contact, lines: [line] } });
    },
  };

  client.on('message', (data) => {
    const request = JSON.parse(data);
    const error = refusals[name]?.[request.do];
    if (!error) act[request.do]?.(request);
    send({ reply: { id: request.id, error } });
    show();
  });
  client.on('close', () => clearTimeout(timer));
  send({ hello: greetings[name] ?? hello });
  show();
  if (takesText.includes(name)) send({ signal: { offer: model.contacts[0].offer, text: true } });
  if (then[name]) send({ state: then[name](Date.now()) });
  if (closes[name]) client.close(closes[name]);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { origin } = await startMock({ port: 8081 });
  console.log(`The console with a stand-in for the server: ${origin}/console/ (anna, svar-demo)`);
  console.log(`States: ${Object.keys(states).join(' ')}`);
}
