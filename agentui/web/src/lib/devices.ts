/** A device for sound, as the browser names it. The id may change (another profile, site data cleared); the label is kept as well. */
export interface Device {
  id: string;
  label: string;
}

/** Entries that stand for the system's choice, not for a device of their own (Chromium). */
const aliases = new Set(['', 'default', 'communications']);

/** The devices of a kind, without aliases; empty while the browser keeps them to itself. */
export function devicesOf(all: readonly MediaDeviceInfo[], kind: MediaDeviceKind): Device[] {
  return all
    .filter((device) => device.kind === kind && device.label !== '' && !aliases.has(device.deviceId))
    .map(({ deviceId, label }) => ({ id: deviceId, label }));
}

/** The wanted device among those that are connected: by its id, else by its name. */
export function findDevice(connected: readonly Device[], wanted: Device): Device | undefined {
  return connected.find(({ id }) => id === wanted.id) ?? connected.find(({ label }) => label === wanted.label);
}

/** A device as it was stored, or undefined when what was stored is none. */
export function storedDevice(stored: unknown): Device | undefined {
  if (typeof stored !== 'object' || stored === null) return undefined;
  const { id, label } = stored as Record<string, unknown>;
  return typeof id === 'string' && typeof label === 'string' && label !== '' ? { id, label } : undefined;
}
