/**
 * Real-time text in a call (ITU-T T.140): what one party types is seen by the other as it is typed. The server carries it
 * over the data channel "t140" of the call's connection (RFC 8865); this is what the characters mean.
 */

export const backspace = '\b';
const newLine = '\u2028';
/** Stands for text that was lost on its way. */
export const lost = '\uFFFD';

/** At most this much of a talk is kept, in characters: the oldest lines go first. */
const keptCharacters = 20_000;

export interface TextLine {
  from: 'theirs' | 'mine';
  text: string;
}

/** What is written in one call: lines that are done, in their order, and the open line of each party. */
export interface Written {
  lines: TextLine[];
  open: { theirs: string; mine: string };
}

export const nothingWritten: Written = { lines: [], open: { theirs: '', mine: '' } };

/** Adds what a party typed. BS erases, also back into the line before; a new line is U+2028, CR LF or LF. */
export function written(before: Written, from: TextLine['from'], text: string): Written {
  let lines = before.lines;
  const open = [...before.open[from]];
  const characters = [...text];
  for (let at = 0; at < characters.length; at++) {
    const character = characters[at]!;
    if (character === backspace) {
      if (open.length > 0) {
        open.pop();
        continue;
      }
      const last = lines.findLastIndex((line) => line.from === from);
      if (last < 0) continue;
      open.push(...lines[last]!.text);
      lines = lines.toSpliced(last, 1);
    } else if (character === newLine || character === '\n' || character === '\r') {
      if (character === '\r' && characters[at + 1] === '\n') at++;
      lines = [...lines, { from, text: open.splice(0).join('') }];
    } else if (isShown(character)) {
      open.push(character);
    }
  }
  return bounded({ lines, open: { ...before.open, [from]: open.join('') } });
}

/** Byte order marks keep a channel alive, and other control characters ring bells and set colours. */
function isShown(character: string): boolean {
  const code = character.codePointAt(0)!;
  return code >= 0x20 && !(code >= 0x7f && code < 0xa0) && code !== 0xfeff;
}

function bounded({ lines, open }: Written): Written {
  let length = [...open.theirs, ...open.mine].length;
  let first = lines.length;
  while (first > 0 && (length += lines[first - 1]!.text.length) <= keptCharacters) first--;
  const cut = (text: string) => (text.length > keptCharacters ? text.slice(-keptCharacters) : text);
  return { lines: lines.slice(first), open: { theirs: cut(open.theirs), mine: cut(open.mine) } };
}

/** What to send so that the other side's line becomes the new one: erased back to where they part, and typed on from there. */
export function typed(before: string, after: string): string {
  const old = [...before];
  const now = [...after];
  let same = 0;
  while (same < old.length && same < now.length && old[same] === now[same]) same++;
  return backspace.repeat(old.length - same) + now.slice(same).join('');
}

/** Ends a line. */
export const endOfLine = newLine;
