// Metric and label names for readers that know only the old alphabet ([a-zA-Z_:][a-zA-Z0-9_:]*),
// as they ask for it with `escaping=` in Accept. Source: Prometheus escaping_schemes.md.

export const ESCAPING_SCHEMES = ['allow-utf-8', 'underscores', 'dots', 'values'] as const;
export type EscapingScheme = (typeof ESCAPING_SCHEMES)[number];

/** Is this a metric name of the old alphabet? Labels of it have no colon. */
export function isPlainName(name: string): boolean {
  return /^[a-zA-Z_:][a-zA-Z0-9_:]*$/.test(name);
}

const isPlainChar = (char: string, at: number): boolean =>
  /[a-zA-Z_:]/.test(char) || (at > 0 && /[0-9]/.test(char));

/** A name in the old alphabet; one that is in it already stays as it is. */
export function escapeName(name: string, scheme: EscapingScheme): string {
  if (scheme === 'allow-utf-8' || name === '' || isPlainName(name)) return name;
  const chars = Array.from(name);
  const each = (other: (char: string) => string | undefined, fallback: string): string =>
    chars.map((char, i) => other(char) ?? (isPlainChar(char, i) ? char : fallback)).join('');
  if (scheme === 'underscores') return each(() => undefined, '_');
  if (scheme === 'dots')
    return each((char) => (char === '_' ? '__' : char === '.' ? '_dot_' : undefined), '__');
  const escaped = chars.map((char, i) => {
    if (char === '_') return '__';
    return isPlainChar(char, i) ? char : `_${char.codePointAt(0)!.toString(16)}_`;
  });
  return `U__${escaped.join('')}`;
}
