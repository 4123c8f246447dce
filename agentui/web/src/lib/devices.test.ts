import { describe, expect, test } from 'vitest';
import { devicesOf, findDevice, storedDevice } from './devices';

const info = (kind: MediaDeviceKind, deviceId: string, label: string) => ({ kind, deviceId, label }) as MediaDeviceInfo;

describe('the devices for sound', () => {
  test('are listed by kind, without what stands for the system’s choice', () => {
    const all = [
      info('audioinput', 'default', 'Default - Headset'),
      info('audioinput', 'communications', 'Communications - Headset'),
      info('audioinput', 'a', 'Headset'),
      info('audiooutput', 'b', 'Headset'),
      info('videoinput', 'c', 'Camera'),
    ];
    expect(devicesOf(all, 'audioinput')).toEqual([{ id: 'a', label: 'Headset' }]);
    expect(devicesOf(all, 'audiooutput')).toEqual([{ id: 'b', label: 'Headset' }]);
  });
  test('are unknown before the browser may name them', () => {
    expect(devicesOf([info('audioinput', '', '')], 'audioinput')).toEqual([]);
  });
  test('are found again by id, and by name when the id is another one', () => {
    const connected = [
      { id: 'a', label: 'Headset' },
      { id: 'b', label: 'Speaker' },
    ];
    expect(findDevice(connected, { id: 'b', label: 'Another name' })?.id).toBe('b');
    expect(findDevice(connected, { id: 'old', label: 'Headset' })?.id).toBe('a');
    expect(findDevice(connected, { id: 'old', label: 'Gone' })).toBeUndefined();
    const twins = [{ id: 'a', label: 'Headset' }, { id: 'b', label: 'Headset' }];
    expect(findDevice(twins, { id: 'b', label: 'Headset' })?.id).toBe('b');
  });
  test('are not made of what else may be stored', () => {
    for (const stored of [undefined, null, 'a', 1, [], {}, { id: 'a' }, { id: 1, label: 'b' }, { id: 'a', label: '' }]) {
      expect(storedDevice(stored)).toBeUndefined();
    }
    expect(storedDevice({ id: 'a', label: 'Headset', more: 1 })).toEqual({ id: 'a', label: 'Headset' });
  });
});
