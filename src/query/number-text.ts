// Numbers and times as the Prometheus HTTP API prints them.
// Source: Prometheus util/jsonutil/marshal.go (floats: Go's shortest form, with an exponent below
// 1e-6 and from 1e21 on, as JavaScript has it; times: seconds with three decimals unless whole).

/** A float without quotes: `1`, `-0`, `1e-07`, `+Inf`, `NaN`. */
export function floatText(value: number): string {
  const text = String(value);
  // Every whole number below 2^31 takes this way out.
  if ((value | 0) === value) return value === 0 && Object.is(value, -0) ? '-0' : text;
  if (value === Number.POSITIVE_INFINITY) return '+Inf';
  if (value === Number.NEGATIVE_INFINITY) return '-Inf';
  const size = Math.abs(value);
  if (size >= 1e-6 && size < 1e21) return text;
  // Go pads the exponent to two digits.
  return text.replace(/e([+-])(\d)$/, 'e$10$2');
}

/** Seconds: whole, with 3 decimals, or with 6 where the microseconds are no whole millisecond. */
export function timeText(tUs: number): string {
  const sign = tUs < 0 ? '-' : '';
  const size = Math.abs(tUs);
  const seconds = Math.floor(size / 1_000_000);
  const rest = size - seconds * 1_000_000;
  if (rest === 0) return sign + String(seconds);
  if (rest % 1000 === 0) return `${sign}${seconds}.${String(rest / 1000).padStart(3, '0')}`;
  return `${sign}${seconds}.${String(rest).padStart(6, '0')}`;
}
