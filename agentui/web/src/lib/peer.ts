import type { IceServer, OfferID, SignalPayload } from './protocol';
import type { Counters } from './quality';

/** A connection that comes and goes is given this long to come back, and a new one this long to stand. */
const lostAfter = 3000;
const standsWithin = 10_000;

/**
 * - new: it is being set up.
 * - connected: sound can go both ways.
 * - broken: it is closed, failed, has not been heard for a while, or never came up.
 */
export type PeerHealth = 'new' | 'connected' | 'broken';

/** How a peer is owned: what it sends, which microphone it takes, whom it tells that something changed. */
export interface PeerOwner {
  iceServers: IceServer[];
  send(payload: SignalPayload): void;
  microphone(): MediaStreamTrack | undefined;
  changed(): void;
  /** The server has opened the channel for real-time text (T.140). */
  text?(channel: RTCDataChannel): void;
}

/** One PeerConnection: the voice between this window and the node for one offer, until it is closed or replaced. */
export class Peer {
  readonly connection: RTCPeerConnection;
  readonly createdAt = performance.now();
  /** A state has shown the offer or its contact. */
  seen = false;
  track: MediaStreamTrack | undefined;
  sender: RTCRtpSender | undefined;
  remote: MediaStream | undefined;
  counters: Counters | undefined;
  /** Since when it has not been heard; undefined while it is. */
  #lostAt: number | undefined;
  #closed = false;
  #look: ReturnType<typeof setTimeout>;
  /** Signals are handled one after the other. */
  #work: Promise<void> = Promise.resolve();
  #early: RTCIceCandidateInit[] = [];

  constructor(
    readonly offer: OfferID,
    /** Which voice of the offer it is, by the node. */
    readonly leg: string | undefined,
    private readonly owner: PeerOwner,
  ) {
    this.connection = new RTCPeerConnection({ iceServers: owner.iceServers, bundlePolicy: 'max-bundle' });
    this.connection.onicecandidate = ({ candidate }) => {
      if (candidate?.candidate && !this.#closed) owner.send({ candidate: candidate.toJSON() });
    };
    this.connection.onconnectionstatechange = () => this.#changedState();
    this.connection.ontrack = ({ track, streams }) => {
      if (track.kind !== 'audio') return;
      this.remote = streams[0] ?? new MediaStream([track]);
      owner.changed();
    };
    // The server opens a channel for real-time text on every call.
    this.connection.ondatachannel = ({ channel }) => {
      if (channel.label === 't140') owner.text?.(channel);
    };
    this.#look = setTimeout(() => owner.changed(), standsWithin + 10);
  }

  get health(): PeerHealth {
    const now = performance.now();
    switch (this.connection.connectionState) {
      case 'connected':
        return 'connected';
      case 'disconnected':
        return now - (this.#lostAt ?? now) > lostAfter ? 'broken' : 'connected';
      case 'new':
      case 'connecting':
        return now - this.createdAt > standsWithin ? 'broken' : 'new';
      default:
        return 'broken';
    }
  }

  #changedState(): void {
    const lost = this.connection.connectionState === 'disconnected';
    if (!lost) this.#lostAt = undefined;
    else if (this.#lostAt === undefined) {
      this.#lostAt = performance.now();
      clearTimeout(this.#look);
      this.#look = setTimeout(() => this.owner.changed(), lostAfter + 10);
    }
    this.owner.changed();
  }

  handle(payload: SignalPayload): void {
    this.#work = this.#work
      .then(() => this.#apply(payload))
      .catch((error: unknown) => {
        if (this.connection.signalingState !== 'closed') console.error('voice signal of offer', this.offer, error);
      });
  }

  async #apply(payload: SignalPayload): Promise<void> {
    if (this.connection.signalingState === 'closed') return;
    if (payload.candidate) {
      if (this.connection.remoteDescription) await this.connection.addIceCandidate(payload.candidate);
      else this.#early.push(payload.candidate);
      return;
    }
    if (payload.sdp?.type !== 'offer') return;
    await this.connection.setRemoteDescription(payload.sdp);
    const audio = this.connection
      .getTransceivers()
      .find((transceiver) => transceiver.receiver.track.kind === 'audio' && transceiver.currentDirection !== 'stopped');
    if (audio) {
      audio.direction = 'sendrecv';
      this.sender = audio.sender;
      await this.useMicrophone();
    }
    for (const candidate of this.#early.splice(0)) await this.connection.addIceCandidate(candidate);
    const answer = await this.connection.createAnswer();
    await this.connection.setLocalDescription(answer);
    if (answer.sdp && !this.#closed) this.owner.send({ sdp: { type: 'answer', sdp: answer.sdp } });
    this.owner.changed();
  }

  /** Sends the microphone's track, as silent as the one before; a connection that is over takes none. */
  async useMicrophone(): Promise<void> {
    if (this.connection.signalingState === 'closed') return;
    const source = this.owner.microphone();
    const enabled = this.track?.enabled ?? false;
    this.track?.stop();
    this.track = source?.clone();
    if (this.track) this.track.enabled = enabled;
    await this.sender?.replaceTrack(this.track ?? null);
    this.owner.changed();
  }

  /** Says nothing more to the server: a newer one has taken its place, though its sound may still be heard. */
  retire(): void {
    this.#closed = true;
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#look);
    this.connection.onconnectionstatechange = null;
    this.connection.close();
    this.track?.stop();
  }
}
