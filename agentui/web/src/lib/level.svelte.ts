/** What is quieter than this counts as silence, in dB below full scale. */
const floor = -60;
/** A level that speech reaches and a quiet room does not. */
export const speaks = 0.35;

/** How loud samples are, 0–1 over the decibels from the floor to full scale. */
export function loudnessOf(samples: Float32Array): number {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  const decibel = 10 * Math.log10(sum / Math.max(1, samples.length));
  return Number.isFinite(decibel) ? Math.min(1, Math.max(0, 1 - decibel / floor)) : 0;
}

/** Meters that move are redrawn with each picture; with reduced motion, twice a second. */
const calmInterval = 500;
/** An AudioContext that does not run by then has no sound card to run on. */
const startsWithin = 1500;

/** How loud a track is just now. */
export class Level {
  /** 0–1; 0 while nothing is measured. */
  value = $state(0);
  /** Something as loud as speech has come since the track is followed. */
  heard = $state(false);
  /** The computer measures nothing: a sound card is missing, or the browser holds it back. */
  unavailable = $state(false);

  /** Follows the track until the function that it returns is called. The page's own track may be disabled: a clone is heard. */
  follow(track: MediaStreamTrack): () => void {
    this.value = 0;
    this.heard = this.unavailable = false;
    const copy = track.clone();
    copy.enabled = true;
    const context = new AudioContext();
    const analyser = context.createAnalyser();
    analyser.fftSize = 1024;
    context.createMediaStreamSource(new MediaStream([copy])).connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    const calm = matchMedia('(prefers-reduced-motion: reduce)');
    let shownAt = 0;
    let frame = 0;

    const look = (now: number) => {
      frame = requestAnimationFrame(look);
      analyser.getFloatTimeDomainData(samples);
      const level = loudnessOf(samples);
      if (level > speaks) this.heard = true;
      if (calm.matches && now - shownAt < calmInterval) return;
      shownAt = now;
      // It falls slower than it rises: a needle that can be read.
      this.value = Math.max(level, this.value - 0.03);
    };
    const turn = () => {
      cancelAnimationFrame(frame);
      if (!document.hidden) frame = requestAnimationFrame(look);
    };
    const resume = () => void context.resume().catch(() => {});
    const wait = setTimeout(() => (this.unavailable = context.state !== 'running'), startsWithin);
    context.onstatechange = () => {
      if (context.state === 'running') this.unavailable = false;
    };
    document.addEventListener('visibilitychange', turn);
    addEventListener('pointerup', resume);
    addEventListener('keyup', resume);
    resume();
    turn();
    return () => {
      clearTimeout(wait);
      cancelAnimationFrame(frame);
      document.removeEventListener('visibilitychange', turn);
      removeEventListener('pointerup', resume);
      removeEventListener('keyup', resume);
      context.onstatechange = null;
      void context.close();
      copy.stop();
      this.value = 0;
    };
  }
}
