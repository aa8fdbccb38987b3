// Natural order of label values: runs of digits compare as numbers, the rest as text.
import { compareUtf8 } from '../../model/labels.ts';

const PARTS = /\d+|\D+/g;

export function compareNatural(a: string, b: string): number {
  if (a === b) return 0;
  const left = a.match(PARTS) ?? [];
  const right = b.match(PARTS) ?? [];
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    const order = comparePart(left[i]!, right[i]!);
    if (order !== 0) return order;
  }
  return left.length - right.length || compareUtf8(a, b);
}

function comparePart(a: string, b: string): number {
  if (!isDigits(a) || !isDigits(b)) return compareUtf8(a, b);
  const left = a.replace(/^0+(?=\d)/, '');
  const right = b.replace(/^0+(?=\d)/, '');
  if (left.length !== right.length) return left.length - right.length;
  return left < right ? -1 : left > right ? 1 : 0;
}

function isDigits(text: string): boolean {
  const code = text.charCodeAt(0);
  return code >= 48 && code <= 57;
}
