import type { ChatLine } from './protocol';

/** Longer ones are cut at a word. */
const longest = 100;

/**
 * A subject for a ticket, from what there is: the text's own subject, else the agent's note, else what the user
 * wrote first. Its first line, cut at a word; empty when nothing is there.
 */
export function proposedSubject(subject: string | undefined, lines: readonly ChatLine[], note: string): string {
  const said = lines.find((line) => line.from === 'caller' && line.kind === 'text')?.text;
  for (const text of [subject, note, said]) {
    const first = text?.split('\n').find((line) => line.trim())?.trim();
    if (first) return cut(first);
  }
  return '';
}

function cut(text: string): string {
  if (text.length <= longest) return text;
  const head = text.slice(0, longest);
  const space = head.lastIndexOf(' ');
  return `${space > longest / 2 ? head.slice(0, space) : head} …`;
}
