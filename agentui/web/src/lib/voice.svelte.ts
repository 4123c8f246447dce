import { SvelteSet } from 'svelte/reactivity';
import { microphoneProblem, type MicrophoneProblem } from './microphone';
import { Peer, type PeerHealth } from './peer';
import type { ConsoleState, IceServer, OfferID, SignalPayload, VoiceSignal } from './protocol';
import { measureQuality, type Quality } from './quality';
import { callOf } from './shown';
import { readKept, writeKept } from './stored';
import { talkTexts } from './talktext.svelte';

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
  /** The devices that are wanted, as deviceId; empty is the system's choice. See setInput and setOutput. */
  input = $state('');
  output = $state('');
  /** The microphone's own track, from which every call gets a copy; it is disabled, so read a clone. */
  source = $state.raw<MediaStreamTrack | undefined>();
  /** Offers whose voice lives in another window of the same agent. */
  readonly elsewhere = new SvelteSet<OfferID>();

  /** Set by the owner: how a signal reaches the server, and what happens when the microphone is gone for good. */
  send: (offer: OfferID, leg: string | undefined, payload: SignalPayload) => void = () => {};
  onMicrophoneLost: () => void = () => {};
  /** Gets the signals of the echo call (offer 0). */
  onEchoSignal: (payload: SignalPayload) => void = () => {};
  /** Called when a connection came, went or changed. */
  onChange: () => void = () => {};
  /** Another window has the voice of an offer that was accepted here and not bound yet. */
  onTakenFromAccepted: (offer: OfferID) => void = () => {};
  iceServers: IceServer[] = [];
  /** This window's own id, by which the server says where a voice lives. */
  window = '';

  #opening: Promise<boolean> | undefined;
  /** Counts the sign-outs: a microphone that was asked for before the newest one is not used. */
  #closings = 0;
  #kept = 0;
  #peers = new Map<OfferID, Peer>();
  /** What carries the talk until the newer connection of the same offer stands. */
  #older = new Map<OfferID, Peer>();
  /** Offers that were accepted here, and not in another window of the same agent. */
  #accepted = new Set<OfferID>();
  /** Offers whose voice the server has bound to this window. */
  #bound = new Set<OfferID>();
  #element: HTMLAudioElement | undefined;
  #qualityTimer: ReturnType<typeof setInterval> | undefined;

  /** Takes the element that plays what callers say. */
  attach(element: HTMLAudioElement): void {
    this.#element = element;
    void this.#useOutput();
    this.#update();
  }

  /** Opens the microphone, silent. Returns whether there is one; why not stands in problem. */
  openMicrophone(): Promise<boolean> {
    if (this.source?.readyState === 'live') return Promise.resolve(true);
    return this.#opening ?? this.#begin();
  }

  #begin(): Promise<boolean> {
    const opening = this.#open().finally(() => {
      if (this.#opening === opening) this.#opening = undefined;
    });
    this.#opening = opening;
    return opening;
  }

  async #open(): Promise<boolean> {
    const closings = this.#closings;
    this.microphone = 'asking';
    this.problem = undefined;
    const prompt = setTimeout(() => (this.prompting = true), promptAfter);
    try {
      if (!window.isSecureContext) throw new DOMException('', 'InsecureContext');
      const stream = await navigator.mediaDevices.getUserMedia({
        // Ideal, not exact: a headset that is not there is no reason to be unable to talk.
        audio: {
          echoCancellation: true,
          noiseSuppression: true,
          autoGainControl: true,
          ...(this.input && { deviceId: { ideal: this.input } }),
        },
      });
      const track = stream.getAudioTracks()[0];
      if (!track) throw new DOMException('', 'NotFoundError');
      if (closings !== this.#closings) {
        track.stop();
        return false;
      }
      track.enabled = false;
      track.addEventListener('ended', () => void this.#lost(track));
      this.source?.stop();
      this.source = track;
      this.microphone = 'open';
      // Not waited for: a connection that is closed meanwhile never answers.
      for (const peer of this.#all()) peer.useMicrophone().catch((error: unknown) => console.error('microphone of offer', peer.offer, error));
      return true;
    } catch (error) {
      if (closings !== this.#closings) return false;
      // Another device that cannot be had leaves the one before in use.
      if (this.source?.readyState === 'live') {
        this.microphone = 'open';
      } else {
        this.microphone = 'failed';
        this.problem = microphoneProblem(error);
      }
      return false;
    } finally {
      clearTimeout(prompt);
      if (closings === this.#closings) this.prompting = false;
    }
  }

  /** The device is gone. The next best one takes over if there is one. */
  async #lost(track: MediaStreamTrack): Promise<void> {
    if (this.source !== track) return;
    this.source = undefined;
    if (!(await this.openMicrophone())) this.onMicrophoneLost();
  }

  /** Lets go of the microphone, unless a call or a test of the sound needs it. */
  closeMicrophone(): void {
    if (this.#peers.size > 0 || this.#kept > 0 || this.microphone !== 'open') return;
    this.source?.stop();
    this.source = undefined;
    this.microphone = 'closed';
  }

  /** Keeps an open microphone open until the function that it returns is called. */
  keepMicrophone(): () => void {
    let kept = true;
    this.#kept++;
    return () => {
      if (kept) this.#kept--;
      kept = false;
    };
  }

  /** Takes another microphone (deviceId, empty for the system's choice), in the middle of a call too. Returns whether it is in use. */
  async setInput(id: string): Promise<boolean> {
    this.input = id;
    if (this.microphone === 'closed' || this.microphone === 'failed') return true;
    await this.#opening;
    return this.#begin();
  }

  /** Plays callers on another device (deviceId, empty for the system's choice). Returns whether the browser does it. */
  setOutput(id: string): Promise<boolean> {
    this.output = id;
    return this.#useOutput();
  }

  async #useOutput(): Promise<boolean> {
    const element = this.#element;
    if (!element) return true;
    if (!('setSinkId' in element)) return this.output === '';
    if (element.sinkId === this.output) return true;
    try {
      await element.setSinkId(this.output);
      return true;
    } catch {
      return false;
    }
  }

  signal({ offer, leg, bound, payload, text }: Omit<VoiceSignal, 'contact'>): void {
    if (offer === 0) {
      if (payload) this.onEchoSignal(payload);
    } else if (bound !== undefined) {
      this.#bind(offer, bound);
    } else if (text !== undefined) {
      talkTexts.of(offer).reads = text;
    } else if (payload) {
      if (payload.sdp?.type === 'offer') this.#renew(offer, leg);
      const peer = this.#peers.get(offer);
      if (peer?.leg === leg) peer?.handle(payload);
    }
  }

  /** Begins a connection for a leg of the node; it is negotiated once. What carries the talk goes on until it stands. */
  #renew(offer: OfferID, leg: string | undefined): void {
    const before = this.#peers.get(offer);
    if (before?.health === 'connected') {
      before.retire();
      this.#older.get(offer)?.close();
      this.#older.set(offer, before);
    } else {
      before?.close();
    }
    const peer = new Peer(offer, leg, {
      iceServers: this.iceServers,
      send: (payload) => this.send(offer, leg, payload),
      microphone: () => this.source,
      changed: () => this.#update(),
      text: (channel) => talkTexts.attach(offer, channel),
    });
    peer.seen = before?.seen ?? false;
    this.#peers.set(offer, peer);
  }

  #bind(offer: OfferID, window: string): void {
    if (window === this.window) {
      this.#bound.add(offer);
      this.elsewhere.delete(offer);
    } else if (this.#accepted.has(offer) && !this.#bound.has(offer)) {
      this.onTakenFromAccepted(offer);
    } else {
      this.letGo(offer);
    }
  }

  /** The voice of the offer lives in another window. */
  letGo(offer: OfferID): void {
    this.#accepted.delete(offer);
    this.#bound.delete(offer);
    this.elsewhere.add(offer);
    this.#close(offer);
    this.#update();
  }

  /** The server has it on record that the agent accepted, or has given the voice to this window: it may go out. */
  accepted(offer: OfferID): void {
    if (this.#accepted.has(offer)) return;
    this.#accepted.add(offer);
    // A page that was loaded again in mid-call is as silent as it was before.
    this.muted = readKept('muted') === offer;
    this.#update();
  }

  /** The server has given the voice to this window. */
  given(offer: OfferID): void {
    this.elsewhere.delete(offer);
    this.#bound.add(offer);
    this.accepted(offer);
    // Whoever cannot be heard can hear at least; what is wrong with the microphone is said beside it.
    void this.openMicrophone();
  }

  isAccepted(offer: OfferID): boolean {
    return this.#accepted.has(offer);
  }

  /** How the newest connection of the offer is; none when there is none. */
  health(offer: OfferID): PeerHealth | 'none' {
    return this.#peers.get(offer)?.health ?? 'none';
  }

  /** Closes what the server's state no longer has. */
  follow(state: ConsoleState): void {
    const alive = new Set<OfferID>();
    if (state.offer) alive.add(state.offer.offer);
    const call = callOf(state.contacts ?? []);
    if (call) alive.add(call.offer);
    for (const [offer, peer] of this.#peers) {
      if (alive.has(offer)) peer.seen = true;
      else if (peer.seen || performance.now() - peer.createdAt > unseenLimit) this.#close(offer);
    }
    for (const set of [this.#accepted, this.#bound, this.elsewhere]) {
      for (const offer of [...set]) if (!alive.has(offer) && !this.#peers.has(offer)) set.delete(offer);
    }
    talkTexts.keepOnly(alive);
    this.#update();
  }

  toggleMicrophone(): void {
    if (this.heard === undefined) return;
    this.muted = !this.muted;
    writeKept('muted', this.muted ? this.heard : undefined);
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

  /** Ends everything, the microphone too whatever has kept it: the agent signs out. */
  close(): void {
    for (const offer of [...this.#peers.keys()]) this.#close(offer);
    this.#accepted.clear();
    this.#bound.clear();
    this.elsewhere.clear();
    this.#update();
    // What the browser is still asking for comes too late, and is stopped when it comes.
    this.#closings++;
    this.#opening = undefined;
    this.prompting = false;
    this.source?.stop();
    this.source = undefined;
    this.microphone = 'closed';
  }

  /** Tells whether a call's voice goes through this window. */
  has(offer: OfferID): boolean {
    return this.#peers.has(offer);
  }

  #all(): Peer[] {
    return [...this.#peers.values(), ...this.#older.values()];
  }

  #close(offer: OfferID): void {
    for (const peers of [this.#peers, this.#older]) {
      peers.get(offer)?.close();
      peers.delete(offer);
    }
  }

  /** Brings tracks, element and what is shown in line with peers and acceptance. */
  #update(): void {
    for (const [offer, older] of this.#older) {
      if (this.#peers.get(offer)?.connection.connectionState !== 'connected' && older.health !== 'broken') continue;
      older.close();
      this.#older.delete(offer);
    }
    let heard: Peer | undefined;
    for (const peer of this.#all()) {
      const accepted = this.#accepted.has(peer.offer);
      if (peer.track) peer.track.enabled = accepted && !this.muted;
      // An older one is only there while it carries the talk.
      if (accepted) heard = peer;
    }
    this.heard = heard?.offer;
    this.sound = soundOf(heard);
    const element = this.#element;
    const remote = heard?.remote ?? null;
    if (element && element.srcObject !== remote) {
      element.srcObject = remote;
      this.blocked = false;
      if (remote) void this.#play(element);
    }
    this.#watchQuality(heard);
    this.onChange();
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
    const offer = this.heard;
    const peer = offer === undefined ? undefined : (this.#older.get(offer) ?? this.#peers.get(offer));
    if (!peer || peer.connection.connectionState !== 'connected') return;
    const report: RTCStats[] = [];
    (await peer.connection.getStats()).forEach((entry: RTCStats) => report.push(entry));
    const { quality, counters } = measureQuality(report, peer.counters);
    peer.counters = counters;
    if (this.heard === offer) this.quality = quality ?? this.quality;
  }
}

function soundOf(peer: Peer | undefined): Sound {
  switch (peer?.health) {
    case undefined:
      return 'none';
    case 'connected':
      return peer?.connection.connectionState === 'connected' ? 'connected' : 'connecting';
    case 'broken':
      return 'failed';
    default:
      return 'connecting';
  }
}

export const voice = new Voice();
