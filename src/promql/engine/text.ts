// Numbers and label sets as Go prints them, for messages that must read like the reference's.
import type { Labels } from '../../model/labels.ts';
import { formatFloatShort, isPlainLabelName, quote } from '../text.ts';

/** Go's %g: shortest digits, with an exponent below 1e-4 and from 1e6 on. */
export function goFloat(value: number): string {
  const magnitude = Math.abs(value);
  if (!Number.isFinite(value) || value === 0 || (magnitude >= 1e-4 && magnitude < 1e6))
    return formatFloatShort(value);
  return padExponent(value.toExponential());
}

/** Go's %.<digits>g. */
export function goFloatDigits(value: number, digits: number): string {
  if (!Number.isFinite(value) || value === 0) return formatFloatShort(value);
  const [mantissa, exponentText] = value.toExponential(digits - 1).split('e') as [string, string];
  const exponent = Number(exponentText);
  if (exponent < -4 || exponent >= digits) {
    const short = mantissa.includes('.') ? mantissa.replace(/\.?0+$/, '') : mantissa;
    return padExponent(`${short}e${exponentText}`);
  }
  return formatFloatShort(Number(value.toPrecision(digits)));
}

function padExponent(text: string): string {
  return text.replace(/e([+-])(\d)$/, 'e$10$2');
}

/** `{a="1", b="2"}`. */
export function labelsText(labels: Labels): string {
  const parts: string[] = [];
  for (let i = 0; i < labels.length; i += 2) {
    const name = labels[i]!;
    parts.push(`${isPlainLabelName(name) ? name : quote(name)}=${quote(labels[i + 1]!)}`);
  }
  return `{${parts.join(', ')}}`;
}
