import { afterEach, expect, test, vi } from 'vitest';
import { Peer } from './peer';

afterEach(() => vi.unstubAllGlobals());

test('a connection that is closed copies no microphone: nobody would stop the copy', async () => {
  vi.stubGlobal(
    'RTCPeerConnection',
    class {
      connectionState = 'new';
      signalingState = 'stable';
      close(): void {
        this.signalingState = this.connectionState = 'closed';
      }
    },
  );
  const clone = vi.fn();
  const microphone = () => ({ clone }) as unknown as MediaStreamTrack;
  const peer = new Peer(41, undefined, { iceServers: [], send: () => {}, microphone, changed: () => {} });
  peer.close();
  await peer.useMicrophone();
  expect(clone).not.toHaveBeenCalled();
});
