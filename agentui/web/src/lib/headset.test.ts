import { beforeEach, expect, test } from 'vitest';
import { Headset, type Device } from './headset';

/** A headset as one describes itself: two bits in, three lamps out after four bits that mean nothing here. */
class FakeDevice implements Device {
  productName = 'Jabra Evolve2 30';
  opened = false;
  sent: [number, number[]][] = [];
  collections;
  #listeners = new Set<(event: { reportId: number; data: DataView }) => void>();
  constructor({ relativeHook = false, relativeMute = true } = {}) {
    const bit = (usage: number, isAbsolute = true) => ({ usages: [usage], reportSize: 1, reportCount: 1, isAbsolute });
    this.collections = [
      { usagePage: 0x0c, usage: 1, inputReports: [{ reportId: 1, items: [bit(0x000c00e9)] }] },
      {
        usagePage: 0x0b,
        usage: 5,
        inputReports: [{ reportId: 2, items: [bit(0x000b0020, !relativeHook), bit(0x000b002f, !relativeMute), { reportSize: 6, reportCount: 1 }] }],
        children: [
          {
            usagePage: 0x08,
            outputReports: [
              { reportId: 3, items: [{ reportSize: 4, reportCount: 1 }, { usages: [0x00080017, 0x00080009], reportSize: 1, reportCount: 2 }, { isRange: true, usageMinimum: 0x00080018, usageMaximum: 0x00080019, reportSize: 1, reportCount: 2 }] },
            ],
          },
        ],
      },
    ];
  }
  open = () => Promise.resolve(void (this.opened = true));
  close = () => Promise.resolve(void (this.opened = false));
  sendReport(reportId: number, data: BufferSource) {
    this.sent.push([reportId, [...(data as Uint8Array)]]);
    return Promise.resolve();
  }
  addEventListener(_type: 'inputreport', listener: (event: { reportId: number; data: DataView }) => void) {
    this.#listeners.add(listener);
  }
  removeEventListener(_type: 'inputreport', listener: (event: { reportId: number; data: DataView }) => void) {
    this.#listeners.delete(listener);
  }
  press(byte: number, reportId = 2) {
    for (const listener of this.#listeners) listener({ reportId, data: new DataView(new Uint8Array([byte]).buffer) });
  }
}

const idle = { ringing: false, talking: false, muted: false };
const ringing = { ...idle, ringing: true };
const talking = { ...idle, talking: true };

let asked: string[];
const commands = {
  answer: () => void asked.push('answer'),
  hangUp: () => void asked.push('hang up'),
  toggleMicrophone: () => void asked.push('mute'),
};
beforeEach(() => (asked = []));

async function open(options?: { relativeHook?: boolean; relativeMute?: boolean }) {
  const device = new FakeDevice(options);
  const headset = new Headset(device, commands);
  await headset.open();
  return { device, headset };
}

test('the hook answers what rings, and hangs up what is talked', async () => {
  const { device, headset } = await open();
  headset.show(ringing);
  device.press(0b01);
  headset.show(talking);
  device.press(0b01); // it only says how it stands
  device.press(0b00);
  expect(asked).toEqual(['answer', 'hang up']);
});

test('what was answered and ended in the console asks for nothing when the headset repeats it', async () => {
  const { device, headset } = await open();
  headset.show(ringing);
  headset.show(talking);
  device.press(0b01);
  headset.show(idle);
  device.press(0b00);
  device.press(0b01); // lifted without a call
  expect(asked).toEqual([]);
});

test('a hook that only says "pressed" answers and hangs up in turn', async () => {
  const { device, headset } = await open({ relativeHook: true });
  headset.show(ringing);
  device.press(0b01);
  device.press(0b00);
  headset.show(talking);
  device.press(0b01);
  expect(asked).toEqual(['answer', 'hang up']);
});

test('mute is asked for once a press, and only in a talk', async () => {
  const { device, headset } = await open();
  device.press(0b10);
  device.press(0b00);
  headset.show(talking);
  device.press(0b11);
  device.press(0b11);
  device.press(0b01);
  device.press(0b11);
  expect(asked).toEqual(['mute', 'mute']);
});

test('a mute that says how it stands is followed', async () => {
  const { device, headset } = await open({ relativeMute: false });
  headset.show(talking);
  device.press(0b11);
  headset.show({ ...talking, muted: true });
  device.press(0b11);
  device.press(0b01);
  expect(asked).toEqual(['mute', 'mute']);
});

test('the lamps show what the desk is doing, each report whole, and go out at the end', async () => {
  const { device, headset } = await open();
  headset.show(ringing);
  headset.show(ringing);
  headset.show(talking);
  headset.show({ ...talking, muted: true });
  await headset.close();
  expect(device.sent).toEqual([
    [3, [0]],
    [3, [0b0100_0000]],
    [3, [0b0001_0000]],
    [3, [0b0011_0000]],
    [3, [0]],
  ]);
  expect(device.opened).toBe(false);
  device.press(0b01);
  expect(asked).toEqual([]);
});

test('other reports, and short ones, ask for nothing; a device without these buttons is of no use', async () => {
  const { device, headset } = await open();
  headset.show(ringing);
  device.press(0b01, 1);
  expect([asked, headset.useful]).toEqual([[], true]);
  const keyboard = new FakeDevice();
  keyboard.collections = keyboard.collections.slice(0, 1);
  expect(new Headset(keyboard, commands).useful).toBe(false);
});
