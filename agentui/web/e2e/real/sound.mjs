// Tones: made as WAV files, and found in recordings.

import { closeSync, fstatSync, openSync, readSync, writeFileSync } from 'node:fs';

const header = 44;

/** Writes seconds of a tone as a WAV file: 16 bits, one channel. With beats it sounds 3/4 of each 0.4 s. */
export function writeTone(path, { frequency, rate, seconds, beats = false }) {
  const samples = rate * seconds;
  const file = Buffer.alloc(header + 2 * samples);
  file.write('RIFF', 0);
  file.writeUInt32LE(36 + 2 * samples, 4);
  file.write('WAVEfmt ', 8);
  file.writeUInt32LE(16, 16);
  file.writeUInt16LE(1, 20); // PCM
  file.writeUInt16LE(1, 22);
  file.writeUInt32LE(rate, 24);
  file.writeUInt32LE(2 * rate, 28);
  file.writeUInt16LE(2, 32);
  file.writeUInt16LE(16, 34);
  file.write('data', 36);
  file.writeUInt32LE(2 * samples, 40);
  for (let i = 0; i < samples; i++) {
    const sounds = !beats || (i / rate) % 0.4 < 0.3;
    if (sounds) file.writeInt16LE(Math.round(9000 * Math.sin((2 * Math.PI * frequency * i) / rate)), header + 2 * i);
  }
  writeFileSync(path, file);
}

/** A telephone's recording that grows: 8,000 samples a second, 16 bits, one channel. */
export const rate = 8000;

/** How many samples the recording has. */
export function recorded(path) {
  return read(path, 0).length;
}

/** The recording's samples from the given one on, between -1 and 1. */
export function read(path, from) {
  const file = openSync(path, 'r');
  try {
    const position = header + 2 * from;
    const bytes = Math.max(0, fstatSync(file).size - position) & ~1;
    const data = Buffer.alloc(bytes);
    const got = readSync(file, data, 0, bytes, position);
    return Float64Array.from({ length: got >> 1 }, (_, i) => data.readInt16LE(2 * i) / 32768);
  } finally {
    closeSync(file);
  }
}

/** One side of a recording of the desk's, in stereo: 0 is the user's, 1 everybody else's. */
export function side(file, channel) {
  return Float64Array.from({ length: (file.length - header) >> 2 }, (_, i) => file.readInt16LE(header + 4 * i + 2 * channel) / 32768);
}

/** Windows of 50 ms: short enough for a tone in beats, long enough to tell 440 Hz from 1,000. */
const window = rate / 20;
const quietest = 10 ** (-45 / 20);

function* windows(samples) {
  for (let i = 0; i + window <= samples.length; i += window) yield samples.subarray(i, i + window);
}

function energy(samples) {
  return samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length;
}

/** How many seconds of the samples are not silence. */
export function secondsOfSound(samples) {
  let count = 0;
  for (const part of windows(samples)) if (energy(part) > quietest ** 2) count++;
  return (count * window) / rate;
}

/** How many seconds of the samples are this tone, by Goertzel's algorithm: it has at least 70 % of the energy. */
export function secondsOfTone(samples, frequency) {
  const coefficient = 2 * Math.cos((2 * Math.PI * frequency) / rate);
  let count = 0;
  for (const part of windows(samples)) {
    const all = energy(part);
    if (all <= quietest ** 2) continue;
    let [one, two] = [0, 0];
    for (const sample of part) [one, two] = [sample + coefficient * one - two, one];
    const power = one * one + two * two - coefficient * one * two;
    // A pure tone of amplitude A has the energy A²/2, and (A·n/2)² here.
    if ((2 * power) / part.length ** 2 > 0.7 * all) count++;
  }
  return (count * window) / rate;
}
