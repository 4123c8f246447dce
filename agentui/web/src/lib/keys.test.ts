import { describe, expect, test } from 'vitest';
import { commandOf, type Key } from './keys';

const key = (name: string, held: Partial<Key> = {}): Key => ({
  key: name,
  shiftKey: false,
  ctrlKey: false,
  metaKey: false,
  altKey: false,
  repeat: false,
  ...held,
});
const outside = { typing: false, dialog: false, letters: true };
const typing = { ...outside, typing: true };

describe('keys that work while typing', () => {
  test.each([
    ['answer', key('F2')],
    ['hang-up', key('F2', { shiftKey: true })],
    ['hold', key('F4')],
    ['extend', key('F4', { shiftKey: true })],
    ['microphone', key('F8')],
    ['transfer', key('F9')],
    ['conference', key('F9', { shiftKey: true })],
    ['recording', key('F8', { shiftKey: true })],
    ['finish', key('Enter', { ctrlKey: true })],
    ['finish', key('Enter', { metaKey: true })],
  ])('%s', (command, pressed) => {
    expect(commandOf(pressed, typing)).toBe(command);
    expect(commandOf(pressed, outside)).toBe(command);
  });
});

describe('letters', () => {
  test.each([
    ['ready', key('r')],
    ['ready', key('R')],
    ['pause', key('p')],
    ['call', key('c')],
    ['help', key('?', { shiftKey: true })],
    ['search', key('/', { shiftKey: true })],
  ])('%s outside fields and dialogs, while they are switched on', (command, pressed) => {
    expect(commandOf(pressed, outside)).toBe(command);
    expect(commandOf(pressed, typing)).toBeUndefined();
    expect(commandOf(pressed, { ...outside, dialog: true })).toBeUndefined();
    expect(commandOf(pressed, { ...outside, letters: false })).toBeUndefined();
  });
});

test('a digit is an ongoing contact, outside fields only', () => {
  expect(commandOf(key('3'), outside)).toEqual({ contact: 3 });
  expect(commandOf(key('0'), outside)).toBeUndefined();
  expect(commandOf(key('3'), typing)).toBeUndefined();
});

test('Escape leaves a field, and is a dialog\'s own otherwise', () => {
  expect(commandOf(key('Escape'), typing)).toBe('leave-field');
  expect(commandOf(key('Escape'), outside)).toBeUndefined();
  expect(commandOf(key('Escape'), { ...typing, dialog: true })).toBeUndefined();
});

describe('keys that mean something else', () => {
  test.each([
    ['AltGr is Ctrl+Alt', key('r', { ctrlKey: true, altKey: true })],
    ['reload', key('r', { ctrlKey: true })],
    ['print', key('p', { ctrlKey: true })],
    ['a key that is held does not answer the next call', key('F2', { repeat: true })],
    ['the browser closes the tab', key('F4', { ctrlKey: true })],
    ['the system closes the window', key('F4', { altKey: true })],
    ['a line break in the note', key('Enter')],
    ['another key', key('x')],
  ])('%s', (_why, pressed) => expect(commandOf(pressed, outside)).toBeUndefined());
});
