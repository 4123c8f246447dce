import { residentsLimit } from './protocol';

/** The number of residents and companies that was typed, 0 for nothing; undefined when it is none, or too large. */
export function residentsOf(typed: string): number | undefined {
  const digits = typed.replace(/[\s\u00a0]/g, '');
  if (digits === '') return 0;
  if (!/^\d{1,7}$/.test(digits)) return undefined;
  const residents = Number(digits);
  return residents <= residentsLimit ? residents : undefined;
}
