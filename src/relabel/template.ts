// Templates as Go's regexp expands them: `$1`, `${1}`, `$name`, `${name}`, `$$` for a dollar sign.
// A dollar sign that begins none of them is text; a group that is not there is empty.
// Source: Go regexp, (*Regexp).Expand.
import type { CaptureMatch } from '../codec/regex.ts';

/** A text, or the name of a group. */
type Piece = { readonly text: string } | { readonly group: string };

export type Template = readonly Piece[];

const VARIABLE = /\$(?:\$|\{([\p{L}\p{Nd}_]+)\}|([\p{L}\p{Nd}_]+))/gu;
/** Digits without a leading zero; larger numbers are names. */
const GROUP_NUMBER = /^(?:0|[1-9]\d{0,8})$/;

export function parseTemplate(template: string): Template {
  const pieces: Piece[] = [];
  let end = 0;
  for (const match of template.matchAll(VARIABLE)) {
    pieces.push({ text: template.slice(end, match.index) });
    end = match.index + match[0].length;
    const group = match[1] ?? match[2];
    pieces.push(group === undefined ? { text: '$' } : { group });
  }
  pieces.push({ text: template.slice(end) });
  return pieces;
}

/** The text, or undefined where it is longer than `lengthMax`. */
export function expand(
  template: Template,
  { groups, names }: CaptureMatch,
  lengthMax: number,
): string | undefined {
  let text = '';
  for (const piece of template) {
    if ('text' in piece) text += piece.text;
    else {
      const isNumber = GROUP_NUMBER.test(piece.group);
      const index = isNumber ? Number(piece.group) : ownIndex(names, piece.group);
      text += index === undefined ? '' : (groups[index] ?? '');
    }
    if (text.length > lengthMax) return undefined;
  }
  return text;
}

function ownIndex(names: Readonly<Record<string, number>>, name: string): number | undefined {
  return Object.hasOwn(names, name) ? names[name] : undefined;
}
