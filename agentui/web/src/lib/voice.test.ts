import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Voice } from './voice.svelte';

/** A track of a microphone: what counts is whether it, or a copy of it, still runs. */
class FakeTrack extends EventTarget {
  kind = 'audio';
  enabled = true;
  readyState = 'live';
  readonly copies: FakeTrack[] = [];
  stop(): void {
    this.readyState = 'ended';
  }
  clone(): FakeTrack {
    const copy = new FakeTrack();
    this.copies.push(copy);
    return copy;
  }
}

/** A connection that never answers about its tracks once it is closed, as the standard has it. */
class FakeConnection {
  connectionState = 'new';
  signalingState = 'stable';
  remoteDescription: unknown;
  sender = { replaceTrack: () => replacing };
  getTransceivers = () => [{ receiver: { track: { kind: 'audio' } }, sender: this.sender, direction: '', currentDirection: null }];
  setRemoteDescription = (description: unknown) => Promise.resolve(void (this.remoteDescription = description));
  createAnswer = () => Promise.resolve({ sdp: 'answer' });
  setLocalDescription = () => Promise.resolve();
  close(): void {
    this.signalingState = this.connectionState = 'closed';
  }
}

let tracks: FakeTrack[];
/** Grants what the browser asks the agent for. */
let grant: (() => void)[];
let replacing: Promise<void>;
let voice: Voice;

beforeEach(() => {
  tracks = [];
  grant = [];
  replacing = Promise.resolve();
  vi.stubGlobal('window', { isSecureContext: true });
  vi.stubGlobal('RTCPeerConnection', FakeConnection);
  vi.stubGlobal('navigator', {
    mediaDevices: {
      getUserMedia: () =>
        new Promise((resolve) => {
          grant.push(() => {
            const track = new FakeTrack();
            tracks.push(track);
            resolve({ getAudioTracks: () => [track] });
          });
        }),
    },
  });
  voice = new Voice();
});
afterEach(() => {
  voice.close();
  vi.unstubAllGlobals();
});

const running = () => tracks.flatMap((track) => [track, ...track.copies]).filter(({ readyState }) => readyState === 'live');
const settled = () => new Promise((resolve) => setTimeout(resolve));

/** Opens the microphone and a connection of the offer that uses it. */
async function inCall(offer: number): Promise<void> {
  const opened = voice.openMicrophone();
  grant.at(-1)?.();
  await opened;
  voice.signal({ offer, payload: { sdp: { type: 'offer', sdp: 'offer' } } });
  voice.accepted(offer);
  await settled();
}

test('a microphone that is granted after the agent has signed out is let go of', async () => {
  const opened = voice.openMicrophone();
  voice.close();
  grant[0]?.();
  expect(await opened).toBe(false);
  expect(running()).toEqual([]);
  expect(voice.microphone).toBe('closed');
});

test('an agent who signs in again gets the microphone, whatever was asked before', async () => {
  void voice.openMicrophone();
  voice.close();
  const opened = voice.openMicrophone();
  grant[1]?.();
  expect(await opened).toBe(true);
  grant[0]?.();
  await settled();
  expect(running()).toEqual([tracks[0]]);
  expect(voice.microphone).toBe('open');
});

test('no test of the sound keeps the microphone open after signing out', async () => {
  const opened = voice.openMicrophone();
  grant[0]?.();
  await opened;
  voice.keepMicrophone();
  voice.close();
  expect(running()).toEqual([]);
});

test('a call that ends while the headset changes takes no microphone with it', async () => {
  await inCall(41);
  replacing = new Promise(() => {}); // closed before it answered
  tracks[0]?.stop();
  tracks[0]?.dispatchEvent(new Event('ended'));
  grant[1]?.();
  await settled();
  voice.letGo(41);
  // The next one is asked for and had, though the closed connection never answered.
  tracks[1]?.stop();
  tracks[1]?.dispatchEvent(new Event('ended'));
  const opened = voice.openMicrophone();
  grant[2]?.();
  expect(await opened).toBe(true);
  expect(running()).toEqual([tracks[2]]);
});
