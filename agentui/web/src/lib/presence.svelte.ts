import type { Channel, ConsoleState, Me, Presence, Request } from './protocol';
import { ring } from './ring.svelte';
import { callOf } from './shown';
import { voice } from './voice.svelte';

/** What an agent's presence needs of the console. */
export interface Desk {
  /** Carries out a request; false when it was refused, which has been said already. */
  ask(request: Request): Promise<boolean>;
  me(): Me | undefined;
  /** Requests to the queue can be made. */
  usable(): boolean;
  /** Is there something to talk into? Asks the browser for it. */
  canTalk(): Promise<boolean>;
  /** Why one may pause for a fault of the equipment; undefined when the desk has no such reason. */
  technicalReason(): string | undefined;
  /** The agent was signed out after his last contact, as planned: the session ends too. */
  signOut(): void;
}

/** Whether this agent takes contacts, which, and what comes after the last one; and the microphone that goes with it. */
export class OwnPresence {
  /** What is being asked for, so that nothing is asked for twice. */
  changing = $state<Presence | undefined>();
  /** The microphone was lost while ready, and the agent was paused for that. */
  pausedForMicrophone = $state(false);

  /** The server is to sign the agent out after the last contact. */
  #leavesAfter = false;
  /** The microphone was lost while ready, and the server could not be told yet. */
  #pauseOwed = false;

  constructor(private readonly desk: Desk) {}

  /** Becomes ready for the paths, or for those of last time; it takes back what was to come after the last contact. */
  async becomeReady(channels: Channel[] = this.desk.me()?.channels ?? []): Promise<void> {
    if (this.changing) return;
    this.changing = 'ready';
    this.pausedForMicrophone = false;
    void ring.unlock();
    if (await this.desk.canTalk()) await this.desk.ask({ do: 'presence', presence: 'ready', ...(channels.length > 0 && { channels }) });
    this.changing = undefined;
  }

  /** Pauses, at once or after the last contact. Returns whether the server did it. */
  pause(reason?: string, afterContact = false): Promise<boolean> {
    return this.#leaveQueue({ do: 'presence', presence: 'paused', ...(reason && { reason }), ...(afterContact && { afterContact }) });
  }

  /** Lets the last contact be the last of the day: then the agent is signed out. */
  signOutAfter(): Promise<boolean> {
    return this.#leaveQueue({ do: 'presence', presence: 'signed-out', afterContact: true });
  }

  async #leaveQueue(request: Request & { do: 'presence' }): Promise<boolean> {
    if (this.changing) return false;
    this.changing = request.presence;
    const done = await this.desk.ask(request);
    this.changing = undefined;
    return done;
  }

  /** Takes in a new state of the server. */
  follow(state: ConsoleState): void {
    this.#followPlan(state.me);
    void this.#followMicrophone(state);
  }

  /** Nobody is signed in any more. */
  forget(): void {
    this.#pauseOwed = this.#leavesAfter = false;
    this.changing = undefined;
  }

  /** Who was to be signed out after the last contact is, once the server has done its part. */
  #followPlan({ presence, next }: Me): void {
    const leaves = this.#leavesAfter && presence === 'signed-out' && !next;
    this.#leavesAfter = next === 'signed-out';
    if (leaves) this.desk.signOut();
  }

  /** The microphone is open while the agent is ready or in a call, and only then. */
  async #followMicrophone({ me, contacts }: ConsoleState): Promise<void> {
    if (this.changing === 'ready') return;
    const call = callOf(contacts ?? []);
    if (me.phone && !(call && voice.isAccepted(call.offer))) return voice.closeMicrophone();
    if (me.presence === 'ready') {
      if (voice.microphone === 'closed' && !(await voice.openMicrophone())) await this.pauseForMicrophone();
      else if (this.#pauseOwed && this.desk.usable()) await this.pauseForMicrophone();
      ring.check();
    } else if (call && voice.isAccepted(call.offer)) {
      if (voice.microphone === 'closed') await voice.openMicrophone();
    } else if (!me.activity) {
      voice.closeMicrophone();
    }
  }

  /** Who cannot be heard gets no contacts. */
  async pauseForMicrophone(): Promise<void> {
    this.#pauseOwed = false;
    const me = this.desk.me();
    if (me?.phone || me?.presence !== 'ready' || voice.microphone !== 'failed') return;
    this.pausedForMicrophone = await this.pause(this.desk.technicalReason());
    this.#pauseOwed = !this.pausedForMicrophone;
  }
}
