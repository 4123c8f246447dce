import { expect, test } from 'vitest';
import { endOfLine, lost, nothingWritten, typed, written, type Written } from './realtimetext';

const theirs = (...texts: string[]) => texts.reduce((before: Written, text) => written(before, 'theirs', text), nothingWritten);

test('text is shown as it is typed, character by character', () => {
  expect(theirs('H', 'e', 'j').open.theirs).toBe('Hej');
  expect(theirs('Hej').lines).toEqual([]);
});

test('BS erases whole characters, also back into the line before', () => {
  expect(theirs('Hejj', '\b').open.theirs).toBe('Hej');
  expect(theirs('a😀', '\b').open.theirs).toBe('a');
  expect(theirs('ett\u2028', '\b\b')).toEqual({ lines: [], open: { theirs: 'et', mine: '' } });
  expect(theirs('\b\b')).toEqual(nothingWritten);
  // Of the other's lines nothing is erased.
  expect(written(theirs('ett\u2028'), 'mine', '\b').lines).toHaveLength(1);
});

test('a new line is U+2028, CR LF or LF', () => {
  const lines = ['ett', 'två', 'tre'].map((text) => ({ from: 'theirs', text }));
  expect(theirs('ett\u2028två\r\ntre\n').lines).toEqual(lines);
});

test('lines stand in the order in which they were ended', () => {
  let all = written(nothingWritten, 'theirs', 'Jag hör inte');
  all = written(all, 'mine', 'Skriv gärna' + endOfLine);
  all = written(all, 'theirs', ' bra\u2028');
  expect(all.lines).toEqual([
    { from: 'mine', text: 'Skriv gärna' },
    { from: 'theirs', text: 'Jag hör inte bra' },
  ]);
});

test('what is lost is seen, what only controls is not', () => {
  expect(theirs(`Sk${lost}la`, '\u0007', '\uFEFF', '\u009B', '!').open.theirs).toBe(`Sk${lost}la!`);
});

test('as much is kept as one can read, whatever a stranger sends', () => {
  const endless = theirs('x'.repeat(50_000));
  expect(endless.open.theirs.length).toBeLessThanOrEqual(20_000);
  let many: Written = nothingWritten;
  for (let line = 0; line < 60; line++) many = written(many, 'theirs', 'y'.repeat(999) + endOfLine);
  expect(many.lines.length).toBeLessThanOrEqual(21);
  expect(many.lines.length).toBeGreaterThan(10);
});

test('what is sent brings the other side\'s line to what stands here', () => {
  for (const [before, after] of [['', 'Hej'], ['Hej', 'Hejsan'], ['Hejsan', 'Hej'], ['Hej då', 'Hej på'], ['a😀b', 'a😁b'], ['abc', '']] as const) {
    const start = written(nothingWritten, 'mine', before);
    expect(written(start, 'mine', typed(before, after)).open.mine).toBe(after);
  }
  expect(typed('Hej', 'Hejs')).toBe('s');
  expect(typed('Hejs', 'Hej')).toBe('\b');
  expect(typed('Hej', 'Hej')).toBe('');
});
