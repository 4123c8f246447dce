import { describe, expect, test } from 'vitest';
import { en } from './en';
import { sv } from './sv';
import { declineReasons } from '../protocol';

type Node = { [key: string]: Node | string | ((...args: never[]) => string) };

/** All paths of a catalogue: the types cannot compare the tables of codes. */
function paths(node: Node, at = ''): string[] {
  return Object.entries(node).flatMap(([key, value]) =>
    typeof value === 'object' ? paths(value, `${at}${key}.`) : [`${at}${key}`],
  );
}

describe('the catalogues', () => {
  test('have the same keys', () => expect(paths(en)).toEqual(paths(sv)));
  test('have words for every reason to decline', () => {
    for (const reason of declineReasons) for (const { ring } of [sv, en]) expect(ring.declineReasons[reason]).toBeTruthy();
  });
  test('count as their language does', () => {
    expect(sv.overview.waiting(1)).toBe('1 väntar i kö.');
    expect(en.overview.waiting(1)).toBe('1 waits in queue.');
    expect(en.overview.waiting(2)).toBe('2 wait in queue.');
    expect(en.ring.secondsLeft(1)).toBe('1 second left');
  });
  test('use the words of the desk', () => {
    const all = JSON.stringify(sv, (_key, value: unknown) => (typeof value === 'function' ? undefined : value));
    for (const wrong of ['Parkera', 'Mina kontakter', 'Förfrågan', 'tappat', 'kanal']) expect(all).not.toContain(wrong);
  });
});
