// A server that a test writes line by line: the page's socket ends here, and the test says what the server says.

import { hello } from './parts.mjs';

/** How long a request may take to come, in milliseconds: as long as Playwright waits for an element. */
const patience = 30_000;

/**
 * Takes over the console's socket of a page. Call it before the page is opened.
 * @param {import('playwright-core').Page} page
 * @param {object} [greeting] what it says of the agent
 */
export async function scriptServer(page, greeting = hello) {
  /** What the console asked for, oldest first. */
  const requests = [];
  const waiting = [];
  let socket;
  let answer = () => undefined;
  const server = {
    requests,
    /** Called with payload, offer, leg and contact of each signal from the console. */
    onSignal: () => {},
    /** Sends a whole state; its moment is now. */
    state: (state) => socket.send(JSON.stringify({ state: { ...state, now: Date.now() } })),
    /** Leg names which voice of the offer it is about. */
    signal: (offer, payload, leg) => socket.send(JSON.stringify({ signal: { offer, leg, payload } })),
    /** The same for a supervisor's voice in a call. */
    superviseSignal: (contact, payload, leg) => socket.send(JSON.stringify({ signal: { offer: 0, contact, leg, payload } })),
    /** Says whether the user's side takes text beside the voice of an offer. */
    takesText: (offer, text) => socket.send(JSON.stringify({ signal: { offer, text } })),
    /** Says in which window the voice of an offer lives; "here" is this one. */
    bound: (offer, window) => socket.send(JSON.stringify({ signal: { offer, bound: window === 'here' ? server.window : window } })),
    /** The name by which the window has connected. */
    window: '',
    chat: (contact, lines) => socket.send(JSON.stringify({ chat: { contact, lines } })),
    /** Decides what replies say: the function gets the request and returns an error code or nothing. */
    replyWith: (decide) => (answer = decide),
    /** Resolves with the next request of the kind, or one that has not been taken yet; rejects after patience. */
    async asked(kind) {
      const late = AbortSignal.timeout(patience);
      for (;;) {
        const at = requests.findIndex((request) => request.do === kind);
        if (at >= 0) return requests.splice(at, 1)[0];
        await new Promise((resolve, reject) => {
          waiting.push(resolve);
          late.addEventListener('abort', () => reject(new Error(`nobody asked for ${kind}; waiting: ${requests.map((request) => request.do).join(', ') || 'nothing'}`)));
        });
      }
    },
    close: (code, reason) => socket.close({ code, reason }),
    first: undefined,
  };
  await page.routeWebSocket('**/console/socket*', (route) => {
    socket = route;
    server.window = new URL(route.url()).searchParams.get('console');
    route.onMessage((text) => {
      const request = JSON.parse(text);
      if (request.do === 'signal') server.onSignal(request.payload, request.offer, request.leg, request.contact);
      else requests.push(request);
      const error = answer(request);
      route.send(JSON.stringify({ reply: error ? { id: request.id, error } : { id: request.id } }));
      for (const resolve of waiting.splice(0)) resolve();
    });
    route.send(JSON.stringify({ hello: greeting }));
    if (server.first) server.state(server.first());
  });
  return server;
}
