// Doubles as Go's strconv.FormatFloat(value, 'g', -1, 64) prints them: the shortest digits that
// read back the same, with an exponent of at least two digits where it is below -4 or at least 6.
// Label values of Prometheus' histograms and summaries are spelled this way.

const EXPONENT_MIN = -4;
const EXPONENT_MAX = 6;

/** `1e+06`, `0.25`, `+Inf`, `NaN`. */
export function formatGoFloat(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (value === Number.POSITIVE_INFINITY) return '+Inf';
  if (value === Number.NEGATIVE_INFINITY) return '-Inf';
  if (Object.is(value, -0)) return '-0';
  if (value === 0) return '0';
  // toExponential() without digits is the shortest form that reads back the same.
  const [digits, power] = value.toExponential().split('e') as [string, string];
  const exponent = Number(power);
  // In between JavaScript's plain form is Go's too.
  if (exponent >= EXPONENT_MIN && exponent < EXPONENT_MAX) return String(value);
  const sign = exponent < 0 ? '-' : '+';
  return `${digits}e${sign}${String(Math.abs(exponent)).padStart(2, '0')}`;
}

/** A float that cannot be taken for an integer: `1.0`, `1e+06`, `0.5`. */
export function formatOpenMetricsFloat(value: number): string {
  const text = formatGoFloat(value);
  return Number.isFinite(value) && !/[.e]/.test(text) ? `${text}.0` : text;
}
