import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { connection, RequestError } from './connection.svelte';
import { desk } from './console.svelte';
import type { ConsoleState, Request } from './protocol';
import { ring } from './ring.svelte';
import { signOut } from './session';
import { stubStorage } from './storage.fake';
import { voice } from './voice.svelte';

vi.mock('./session', () => ({ currentSession: () => Promise.resolve({ account: 'anna', name: 'Anna' }), signIn: vi.fn(), signOut: vi.fn() }));

let asked: Request[];
let reachable: boolean;

beforeEach(async () => {
  asked = [];
  reachable = true;
  stubStorage();
  vi.stubGlobal('addEventListener', () => {});
  vi.spyOn(ring, 'check').mockImplementation(() => {});
  vi.spyOn(ring, 'stop').mockImplementation(() => {});
  vi.spyOn(connection, 'start').mockImplementation(() => {});
  vi.spyOn(connection, 'stop').mockImplementation(() => {});
  vi.spyOn(connection, 'ask').mockImplementation((request) => {
    if (!reachable) return Promise.reject(new RequestError('unavailable'));
    asked.push(request);
    return Promise.resolve();
  });
  await desk.start();
});
afterEach(() => {
  desk.leave();
  connection.state = undefined;
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

const settled = () => new Promise((resolve) => setTimeout(resolve));

/** The server says that the agent is ready; connected is whether it reaches the queue. */
async function ready(connected: boolean): Promise<void> {
  connection.status = 'open';
  connection.state = { now: 0, connected, me: { presence: 'ready', activity: '', since: 0 }, contacts: [] } as unknown as ConsoleState;
  connection.onState(connection.state);
  await settled();
}

test('who loses the microphone while the queue is away is paused when it is back, once', async () => {
  voice.microphone = 'open';
  await ready(true);
  reachable = false;
  voice.microphone = 'failed';
  voice.onMicrophoneLost();
  await settled();
  await ready(false);
  expect(desk.presence.pausedForMicrophone).toBe(false);
  reachable = true;
  await ready(true);
  expect(asked).toEqual([{ do: 'presence', presence: 'paused' }]);
  expect(desk.presence.pausedForMicrophone).toBe(true);
  await ready(true); // made ready again, in another window with a headset of its own
  expect(asked).toHaveLength(1);
});

test('who has plugged a headset in before the queue is back is not paused', async () => {
  reachable = false;
  await ready(false);
  voice.microphone = 'failed';
  voice.onMicrophoneLost();
  await settled();
  voice.microphone = 'open';
  reachable = true;
  await ready(true);
  expect(asked).toEqual([]);
});

test('whoever signs in while the browser still asks for the microphone of the one before can become ready', () => {
  vi.spyOn(ring, 'unlock').mockResolvedValue();
  vi.spyOn(voice, 'openMicrophone').mockReturnValue(new Promise(() => {}));
  void desk.presence.becomeReady();
  expect(desk.presence.changing).toBe('ready');
  desk.leave();
  expect(desk.presence.changing).toBeUndefined();
});

test('whoever was to be signed out after the last contact is, once the server has done its part', async () => {
  vi.mocked(signOut).mockClear();
  const follow = async (me: object, contacts: object[] = []) => {
    connection.status = 'open';
    connection.state = { now: 0, connected: true, me: { reachable: true, since: 0, ...me }, contacts } as unknown as ConsoleState;
    connection.onState(connection.state);
    await settled();
  };
  await follow({ presence: 'signed-out' });
  expect(signOut, 'who is not ready yet stays').not.toHaveBeenCalled();
  await follow({ presence: 'paused', next: 'signed-out' });
  expect(signOut, 'the last contact is not over').not.toHaveBeenCalled();
  await follow({ presence: 'paused' });
  await follow({ presence: 'signed-out' });
  expect(signOut, 'it was taken back').not.toHaveBeenCalled();
  await follow({ presence: 'paused', next: 'signed-out' });
  await follow({ presence: 'signed-out' });
  expect(signOut).toHaveBeenCalledTimes(1);
});
