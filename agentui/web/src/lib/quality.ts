import type { Millis } from './protocol';

/** How a call sounds, in a word and with what the word stands on. */
export interface Quality {
  word: 'good' | 'fair' | 'poor';
  /** Packets lost of those sent to us since the last measurement, 0–1. */
  loss: number;
  jitter: Millis;
  roundTrip: Millis | undefined;
}

/** The counters of RTP that a measurement starts from. */
export interface Counters {
  received: number;
  lost: number;
}

/** The parts of RTCStatsReport (webrtc-stats) that are used. */
interface Entry {
  type: string;
  kind?: string;
  packetsReceived?: number;
  packetsLost?: number;
  jitter?: number;
  nominated?: boolean;
  currentRoundTripTime?: number;
}

/**
 * Judges what was received since the counters before. Without any packet there is no quality to speak of: undefined.
 * The limits follow what G.711 with loss concealment bears: 1 % is not noticed, above 5 % words are missing; a delay
 * above 400 ms both ways makes people talk over each other (ITU-T G.114).
 */
export function measureQuality(
  report: Iterable<Entry>,
  before: Counters | undefined,
): { quality: Quality | undefined; counters: Counters } {
  const counters: Counters = { received: 0, lost: 0 };
  let jitter = 0;
  let roundTrip: Millis | undefined;
  for (const entry of report) {
    if (entry.type === 'inbound-rtp' && entry.kind === 'audio') {
      counters.received += entry.packetsReceived ?? 0;
      counters.lost += Math.max(0, entry.packetsLost ?? 0);
      jitter = Math.max(jitter, (entry.jitter ?? 0) * 1000);
    } else if (entry.type === 'candidate-pair' && entry.nominated && entry.currentRoundTripTime !== undefined) {
      roundTrip = entry.currentRoundTripTime * 1000;
    }
  }
  const received = counters.received - (before?.received ?? 0);
  const lost = Math.max(0, counters.lost - (before?.lost ?? 0));
  if (received + lost <= 0) return { quality: undefined, counters };
  const loss = lost / (received + lost);
  let word: Quality['word'] = 'good';
  if (loss > 0.05 || jitter > 60 || (roundTrip ?? 0) > 600) word = 'poor';
  else if (loss > 0.01 || jitter > 30 || (roundTrip ?? 0) > 400) word = 'fair';
  return { quality: { word, loss, jitter, roundTrip }, counters };
}
