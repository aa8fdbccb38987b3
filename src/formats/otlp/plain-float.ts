// Doubles as Go's strconv.FormatFloat(value, 'f', -1, 64) prints them: the shortest digits that
// read back the same, never with an exponent. Bounds and quantiles of OTLP become labels this way.

/** `0.0000001`, `1000000`, `+Inf`. */
export function plainFloat(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf';
  if (value === Number.NEGATIVE_INFINITY) return '-Inf';
  if (Object.is(value, -0)) return '-0';
  const text = String(value);
  const match = /^(-?)(\d)(?:\.(\d+))?e([+-]\d+)$/.exec(text);
  if (match === null) return text;
  const [, sign = '', first = '', rest = '', power = ''] = match;
  const exponent = Number(power);
  const digits = first + rest;
  if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${digits}`;
  // Exponents begin at 21, digits end at 17.
  return sign + digits.padEnd(exponent + 1, '0');
}
