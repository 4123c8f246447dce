import { describe, expect, test } from 'vitest';
import { loudnessOf, speaks } from './level.svelte';

const sine = (peak: number) => Float32Array.from({ length: 1024 }, (_, i) => peak * Math.sin((2 * Math.PI * i) / 32));

describe('loudness', () => {
  test('is nothing for silence, and for no samples at all', () => {
    expect(loudnessOf(new Float32Array(1024))).toBe(0);
    expect(loudnessOf(new Float32Array(0))).toBe(0);
  });
  test('goes by decibels: ten times the amplitude is a third of the scale', () => {
    expect(loudnessOf(sine(0.1)) - loudnessOf(sine(0.01))).toBeCloseTo(20 / 60);
  });
  test('stays within the scale', () => {
    expect(loudnessOf(sine(0.00001))).toBe(0);
    expect(loudnessOf(Float32Array.from({ length: 64 }, () => 1))).toBe(1);
  });
  test('tells speech from the hiss of a quiet room', () => {
    expect(loudnessOf(sine(0.05))).toBeGreaterThan(speaks);
    expect(loudnessOf(sine(0.002))).toBeLessThan(speaks);
  });
});
