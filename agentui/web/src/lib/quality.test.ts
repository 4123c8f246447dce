import { describe, expect, test } from 'vitest';
import { measureQuality } from './quality';

const report = (packetsReceived: number, packetsLost: number, jitter = 0.005, currentRoundTripTime = 0.03) => [
  { type: 'inbound-rtp', kind: 'audio', packetsReceived, packetsLost, jitter },
  { type: 'inbound-rtp', kind: 'video', packetsReceived: 1, packetsLost: 99 },
  { type: 'candidate-pair', nominated: true, currentRoundTripTime },
  { type: 'candidate-pair', nominated: false, currentRoundTripTime: 9 },
];

describe('how a call sounds', () => {
  test.each([
    ['good', report(1000, 0)],
    ['good', report(995, 5)],
    ['fair', report(970, 30)],
    ['poor', report(900, 100)],
    ['fair', report(1000, 0, 0.04)],
    ['poor', report(1000, 0, 0.09)],
    ['fair', report(1000, 0, 0.005, 0.5)],
    ['poor', report(1000, 0, 0.005, 0.7)],
  ])('%s', (word, entries) => expect(measureQuality(entries, undefined).quality?.word).toBe(word));

  test('only what came since the last measurement counts', () => {
    const before = measureQuality(report(500, 500), undefined);
    expect(before.quality?.word).toBe('poor');
    expect(measureQuality(report(1500, 500), before.counters).quality).toMatchObject({ word: 'good', loss: 0 });
  });

  test('silence is no quality', () => {
    const { counters } = measureQuality(report(500, 0), undefined);
    expect(measureQuality(report(500, 0), counters).quality).toBeUndefined();
    expect(measureQuality([], undefined).quality).toBeUndefined();
  });
});
