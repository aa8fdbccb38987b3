// Tables and sparklines for a terminal. Text from a server is hostile: control characters are shown
// as escapes, never sent.

const BARS = '▁▂▃▄▅▆▇█';
const SPARK_WIDTH = 40;

/** The values as a line of bars, at most SPARK_WIDTH wide; a blank where a bucket has no number. */
export function sparkline(values: readonly number[]): string {
  const width = Math.min(SPARK_WIDTH, values.length);
  const buckets = Array.from({ length: width }, (_, i) => {
    const from = Math.floor((i * values.length) / width);
    const to = Math.max(from + 1, Math.floor(((i + 1) * values.length) / width));
    const finite = values.slice(from, to).filter(Number.isFinite);
    return finite.length === 0 ? Number.NaN : finite.reduce((a, b) => a + b, 0) / finite.length;
  });
  const finite = buckets.filter(Number.isFinite);
  const min = Math.min(...finite);
  const span = Math.max(...finite) - min;
  return buckets
    .map((value) => {
      if (Number.isNaN(value)) return ' ';
      const level = span === 0 ? 0 : Math.round(((value - min) / span) * (BARS.length - 1));
      return BARS[level]!;
    })
    .join('');
}

/** Control and format characters as escapes. */
export function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}]/gu, (char) => `\\u{${char.codePointAt(0)!.toString(16)}}`);
}

/** Columns padded to their content; the first one is cut where the line would pass `columns`. */
export function tableText(rows: readonly (readonly string[])[], columns: number): string {
  const clean = rows.map((row) => row.map(printable));
  const widths = clean[0]!.map((_, at) => Math.max(...clean.map((row) => (row[at] ?? '').length)));
  const others = widths.slice(1).reduce((sum, width) => sum + width + 2, 0);
  widths[0] = Math.max(20, Math.min(widths[0]!, columns - others));
  return clean
    .map((row) => {
      const padded = row.map((cell, at) => {
        const width = widths[at]!;
        return at === 0 && cell.length > width
          ? `${cell.slice(0, width - 1)}…`
          : cell.padEnd(width);
      });
      return `${padded.join('  ').trimEnd()}\n`;
    })
    .join('');
}
