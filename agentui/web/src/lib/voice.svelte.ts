import { microphoneProblem, type MicrophoneProblem } from './microphone';
import type { ConsoleState, IceServer, OfferID, SignalPayload, VoiceSignal } from './protocol';
import { callOf } from './shown';
import { measureQuality, type Counters, type Quality } from './quality';

/**
 * - closed: not asked for.
 * - asking: the browser is asking the agent, or the device is starting.
 * - open: there is a track; it is silent until an accepted call uses it.
 * - failed: there is none; why stands beside it.
 */
export type Microphone = 'closed' | 'asking' | 'open' | 'failed';

/** How far the sound of the current call has come. */
export type Sound = 'none' | 'connecting' | 'connected' | 'failed';

/** An offer's connection whose offer no state has shown yet may be early, but not for longer than this. */
const unseenLimit = 15_000;
const qualityInterval = 3000;
const promptAfter = 700;

/** One PeerConnection: it belongs to one offer, and lives until the offer or its contact's connection is over. */
class Peer {
  readonly connection: RTCPeerConnection;
  readonly createdAt = performance.now();
  /** A state has shown the offer or its contact. */
  seen = false;
  track: MediaStreamTrack | undefined;
  sender: RTCRtpSender | undefined;
  remote: MediaStream | undefined;
  counters: Counters | undefined;
  /** Signals are handled one after the other. */
  #work: Promise<void> = Promise.resolve();
  #early: RTCIceCandidateInit[] = [];

  constructor(
    readonly offer: OfferID,
    iceServers: IceServer[],
    private readonly send: (payload: SignalPayload) => void,
    private readonly microphoneTrack: () => MediaStreamTrack | undefined,
    private readonly changed: () => void,
  ) {
    this.connection = new RTCPeerConnection({ iceServers, bundlePolicy: 'max-bundle' });
    this.connection.onicecandidate = ({ candidate }) => {
      if (candidate?.candidate) send({ candidate: candidate.toJSON() });
    };
    this.connection.onconnectionstatechange = () => changed();
    this.connection.ontrack = ({ track, streams }) => {
      if (track.kind !== 'audio') return;
      this.remote = streams[0] ?? new MediaStream([track]);
      changed();
    };
    // The server opens a channel for real-time text (T.140) on every call; it is kept open, nothing is shown of it yet.
    this.connection.ondatachannel = () => {};
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
    if (answer.sdp) this.send({ sdp: { type: 'answer', sdp: answer.sdp } });
    this.changed();
  }

  /** Sends the microphone's track, as silent as the one before. */
  async useMicrophone(): Promise<void> {
    const source = this.microphoneTrack();
    const enabled = this.track?.enabled ?? false;
    this.track?.stop();
    this.track = source?.clone();
    if (this.track) this.track.enabled = enabled;
    await this.sender?.replaceTrack(this.track ?? null);
    this.changed();
  }

  close(): void {
    this.connection.onconnectionstatechange = null;
    this.connection.close();
    this.track?.stop();
  }
}

/** The agent's microphone and the voice of the calls, over the browser's own WebRTC. */
export class Voice {
  microphone = $state<Microphone>('closed');
  problem = $state<MicrophoneProblem | undefined>();
  /** It takes so long that the browser must be asking the agent. */
  prompting = $state(false);
  /** The agent has switched the microphone off in the call. */
  muted = $state(false);
  sound = $state<Sound>('none');
  /** The offer whose sound is heard. */
  heard = $state<OfferID | undefined>();
  quality = $state<Quality | undefined>();
  /** The browser refuses to play until the agent has clicked. */
  blocked = $state(false);

  /** Set by the owner: how a signal reaches the server, and what happens when the microphone is gone for good. */
  send: (offer: OfferID, payload: SignalPayload) => void = () => {};
  onMicrophoneLost: () => void = () => {};
  iceServers: IceServer[] = [];

  #source: MediaStreamTrack | undefined;
  #opening: Promise<boolean> | undefined;
  #peers = new Map<OfferID, Peer>();
  /** Offers that were accepted here, and not in another window of the same agent. */
  #accepted = new Set<OfferID>();
  #element: HTMLAudioElement | undefined;
  #qualityTimer: ReturnType<typeof setInterval> | undefined;

  /** Takes the element that plays what callers say. */
  attach(element: HTMLAudioElement): void {
    this.#element = element;
    this.#update();
  }

  /** Opens the microphone, silent. Returns whether there is one; why not stands in problem. */
  openMicrophone(): Promise<boolean> {
    if (this.#source?.readyState === 'live') return Promise.resolve(true);
    this.#opening ??= this.#open().finally(() => (this.#opening = undefined));
    return this.#opening;
  }

  async #open(): Promise<boolean> {
    this.microphone = 'asking';
    this.problem = undefined;
    const prompt = setTimeout(() => (this.prompting = true), promptAfter);
    try {
      if (!window.isSecureContext) throw new DOMException('', 'InsecureContext');
      const stream = await navigator.mediaDevices.getUserMedia({
        audio: { echoCancellation: true, noiseSuppression: true, autoGainControl: true },
      });
      const track = stream.getAudioTracks()[0];
      if (!track) throw new DOMException('', 'NotFoundError');
      track.enabled = false;
      track.addEventListener('ended', () => void this.#lost(track));
      this.#source = track;
      this.microphone = 'open';
      for (const peer of this.#peers.values()) await peer.useMicrophone();
      return true;
    } catch (error) {
      this.microphone = 'failed';
      this.problem = microphoneProblem(error);
      return false;
    } finally {
      clearTimeout(prompt);
      this.prompting = false;
    }
  }

  /** The device is gone. The next best one takes over if there is one. */
  async #lost(track: MediaStreamTrack): Promise<void> {
    if (this.#source !== track) return;
    this.#source = undefined;
    if (!(await this.openMicrophone())) this.onMicrophoneLost();
  }

  /** Lets go of the microphone, unless a call needs it. */
  closeMicrophone(): void {
    if (this.#peers.size > 0 || this.microphone !== 'open') return;
    this.#source?.stop();
    this.#source = undefined;
    this.microphone = 'closed';
  }

  signal({ offer, payload }: VoiceSignal): void {
    let peer = this.#peers.get(offer);
    if (!peer) {
      if (payload.sdp?.type !== 'offer') return;
      peer = new Peer(
        offer,
        this.iceServers,
        (answer) => this.send(offer, answer),
        () => this.#source,
        () => this.#update(),
      );
      this.#peers.set(offer, peer);
    }
    peer.handle(payload);
  }

  /** The server has it on record that the agent accepted: the voice may go out. */
  accepted(offer: OfferID): void {
    if (this.#accepted.has(offer)) return;
    this.#accepted.add(offer);
    this.muted = false;
    this.#update();
  }

  /** Closes what the server's state no longer has. */
  follow(state: ConsoleState): void {
    const alive = new Set<OfferID>();
    if (state.offer) alive.add(state.offer.offer);
    const call = callOf(state.contacts ?? []);
    if (call) alive.add(call.offer);
    for (const [offer, peer] of this.#peers) {
      if (alive.has(offer)) peer.seen = true;
      else if (peer.seen || performance.now() - peer.createdAt > unseenLimit) this.#close(peer);
    }
    for (const offer of this.#accepted) if (!alive.has(offer)) this.#accepted.delete(offer);
    this.#update();
  }

  toggleMicrophone(): void {
    if (this.heard === undefined) return;
    this.muted = !this.muted;
    this.#update();
  }

  /** Plays what the browser refused to play; call it from a click or key. */
  async unblock(): Promise<void> {
    try {
      await this.#element?.play();
      this.blocked = false;
    } catch {
      this.blocked = this.heard !== undefined;
    }
  }

  /** Ends everything: the agent signs out. */
  close(): void {
    for (const peer of [...this.#peers.values()]) this.#close(peer);
    this.#accepted.clear();
    this.#update();
    this.closeMicrophone();
  }

  /** Tells whether a call's voice goes through this window. */
  has(offer: OfferID): boolean {
    return this.#peers.has(offer);
  }

  #close(peer: Peer): void {
    this.#peers.delete(peer.offer);
    peer.close();
  }

  /** Brings tracks, element and what is shown in line with peers and acceptance. */
  #update(): void {
    let heard: Peer | undefined;
    for (const peer of this.#peers.values()) {
      const accepted = this.#accepted.has(peer.offer);
      if (peer.track) peer.track.enabled = accepted && !this.muted;
      if (accepted) heard = peer;
    }
    this.heard = heard?.offer;
    this.sound = soundOf(heard?.connection.connectionState);
    const element = this.#element;
    const remote = heard?.remote ?? null;
    if (element && element.srcObject !== remote) {
      element.srcObject = remote;
      this.blocked = false;
      if (remote) void this.#play(element);
    }
    this.#watchQuality(heard);
  }

  async #play(element: HTMLAudioElement): Promise<void> {
    try {
      await element.play();
    } catch (error) {
      this.blocked = error instanceof DOMException && error.name === 'NotAllowedError';
    }
  }

  #watchQuality(peer: Peer | undefined): void {
    if (!peer) {
      clearInterval(this.#qualityTimer);
      this.#qualityTimer = undefined;
      this.quality = undefined;
    } else {
      this.#qualityTimer ??= setInterval(() => void this.#measure(), qualityInterval);
    }
  }

  async #measure(): Promise<void> {
    const peer = this.heard === undefined ? undefined : this.#peers.get(this.heard);
    if (!peer || peer.connection.connectionState !== 'connected') return;
    const report: RTCStats[] = [];
    (await peer.connection.getStats()).forEach((entry: RTCStats) => report.push(entry));
    const { quality, counters } = measureQuality(report, peer.counters);
    peer.counters = counters;
    if (this.heard === peer.offer) this.quality = quality ?? this.quality;
  }
}

function soundOf(state: RTCPeerConnectionState | undefined): Sound {
  switch (state) {
    case undefined:
      return 'none';
    case 'connected':
      return 'connected';
    case 'failed':
    case 'closed':
      return 'failed';
    default:
      return 'connecting';
  }
}

export const voice = new Voice();
