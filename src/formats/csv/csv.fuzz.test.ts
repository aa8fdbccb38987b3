// The scanner against a plain reference made of regular expressions, on any bytes and on each body
// cut at each offset; what the encoder writes is read back; times go there and back.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { RowRecorder, withCanary } from '../../../test/support/row-recorder.ts';
import type { Samples } from '../../model/columns.ts';
import { KIND } from '../../model/columns.ts';
import { parseColumns } from './columns.ts';
import { CsvEncoder, parseCells } from './encode.ts';
import { scanCsv } from './scan.ts';
import { timeReader } from './time-formats.ts';
import { timeText } from './time-text.ts';

const FORMAT = '2:metric:m,1:label:l,3:metric:n';

function scan(format: string, text: string) {
  const columns = parseColumns(format);
  assert.ok(typeof columns !== 'string');
  const { body, end } = withCanary(text);
  const recorder = new RowRecorder();
  const options = { columns, defaultTimeUs: 0, header: 'no' } as const;
  const result = scanCsv(body, end, options, recorder, recorder);
  return { recorder, result };
}

const QUOTED = /[ \t]*"((?:[^"]|"")*)"[ \t]*(?=,|\r?\n|\r?$)/y;
const PLAIN = /(?![ \t]*")([^,\n]*?)(?=,|\r?\n|\r?$)/y;

/** Cells of the row at `at`, and where the next one begins; no cells where it breaks the rules. */
function referenceRow(text: string, at: number): { cells: string[] | undefined; next: number } {
  const cells: string[] = [];
  for (let i = at; ;) {
    let match: RegExpExecArray | null = null;
    for (const pattern of [QUOTED, PLAIN]) {
      pattern.lastIndex = i;
      match ??= pattern.exec(text);
    }
    if (match === null) {
      const lineEnd = text.indexOf('\n', at);
      return { cells: undefined, next: lineEnd < 0 ? text.length : lineEnd + 1 };
    }
    const isQuoted = /^[ \t]*"/.test(match[0]);
    cells.push(isQuoted ? match[1]!.replaceAll('""', '"') : match[1]!);
    i += match[0].length;
    if (text[i] === ',') {
      i++;
      continue;
    }
    const rest = /\r?\n|\r?$/y;
    rest.lastIndex = i;
    return { cells, next: i + rest.exec(text)![0].length };
  }
}

/** As RowRecorder prints them, and how many rows were refused. */
function reference(text: string): { rows: string[]; errorCount: number } {
  const rows: string[] = [];
  let errorCount = 0;
  for (let at = 0; at < text.length;) {
    const blank = /[ \t\r]*(?:\n|$)/y;
    blank.lastIndex = at;
    const skipped = blank.exec(text);
    if (skipped !== null) {
      at += Math.max(1, skipped[0].length);
      continue;
    }
    const { cells, next } = referenceRow(text, at);
    at = next;
    const [label, ...values] = (cells ?? []).slice(0, 3);
    const numbers = values.map((value) => value.replaceAll(/^[ \t]+|[ \t]+$/g, ''));
    const isGood = numbers.length === 2 && numbers.every((value) => /^\d*$/.test(value));
    if (!isGood) {
      errorCount++;
      continue;
    }
    for (const [i, value] of numbers.entries())
      if (value !== '')
        rows.push(
          `__name__=${'mn'[i]}${label === '' ? '' : `,l=${label}`} f64 ${Number(value)} @0`,
        );
  }
  return { rows, errorCount };
}

const bodies = fc
  .array(
    fc.constantFrom('"', '"', ',', ',', '\n', '\r\n', '\r', ' ', '1', '2', 'x', '""', 'ü,1,2\n'),
    {
      maxLength: 60,
    },
  )
  .map((pieces) => pieces.join(''));

test('any body, cut anywhere, is read as the reference reads it', () => {
  fc.assert(
    fc.property(bodies, fc.nat(60), (whole, cut) => {
      for (const text of [whole, whole.slice(0, cut)]) {
        const { recorder, result } = scan(FORMAT, text);
        const { rows, errorCount } = reference(text);
        // Labels of the recorder are sorted: l comes behind __name__ anyway.
        assert.equal(recorder.text(), rows.join('\n'));
        assert.equal(result.errorCount, errorCount);
        assert.equal(result.pointCount, rows.length);
      }
    }),
    { numRuns: 3000 },
  );
});

test('a good body cut at each offset gives its rows up to there', () => {
  const text = 'a,1,2\n"b,""c""\nd",3,4\r\n,5,\n"e",,6\n';
  const all = reference(text).rows;
  for (let cut = 0; cut <= text.length; cut++) {
    const { recorder } = scan(FORMAT, text.slice(0, cut));
    const complete = text.slice(0, cut).endsWith('\n') ? reference(text.slice(0, cut)).rows : [];
    if (complete.length > 0) assert.equal(recorder.text(), complete.join('\n'));
    assert.ok(recorder.rows.length <= all.length);
  }
});

test('a stray quotation mark in many lines is not looked at again and again', () => {
  const text = `"${'x,1,2\n'.repeat(20_000)}`;
  const { result } = scan(FORMAT, text);
  assert.deepEqual([result.errorCount, result.pointCount], [1, 39_998]);
});

const labelArbitrary = fc.string({ unit: 'grapheme', maxLength: 12 });

test('what is exported is read back', () => {
  const cells = parseCells('l,__value__,__timestamp__:unix_ns');
  assert.ok(typeof cells !== 'string');
  const points = fc.array(fc.tuple(fc.double({ noNaN: true }), fc.integer(), fc.nat(999)), {
    minLength: 1,
    maxLength: 5,
  });
  fc.assert(
    fc.property(labelArbitrary, points, (label, rows) => {
      const samples = {
        kind: KIND.f64,
        count: rows.length,
        values: Float64Array.from(rows, ([value]) => value),
        tUs: Float64Array.from(rows, ([, tUs]) => tUs),
        subNs: Uint16Array.from(rows, ([, , subNs]) => subNs),
        startUs: undefined,
        position: undefined,
      } as Samples;
      const labels = ['__name__', 'm', 'l', label];
      const encoder = new CsvEncoder(cells);
      const chunks = [...encoder.add({ labels, chunks: [samples] }), ...encoder.finish()];
      const text = Buffer.concat(chunks).toString('utf8');
      const { recorder, result } = scan('1:label:l,2:metric:m,3:time:unix_ns', text);
      assert.deepEqual(result.errors, []);
      assert.deepEqual(
        recorder.rows.map(({ value, tUs, subNs }) => [value, tUs, subNs]),
        rows,
      );
      const series = label === '' ? '__name__=m' : `__name__=m,l=${label}`;
      assert.ok(recorder.rows.every((row) => row.series === series));
    }),
  );
});

test('times there and back in each format', () => {
  const formats = ['unix_ns', 'rfc3339', 'custom:Mon, 02 Jan 2006 15:04:05.000000000 -0700'];
  formats.push('custom:2006-002T03:04:05.999999999pm');
  const times = fc.tuple(fc.maxSafeInteger(), fc.nat(999));
  for (const format of formats) {
    const write = timeText(format);
    const read = timeReader(format);
    assert.ok(typeof write !== 'string' && typeof read !== 'string');
    fc.assert(
      fc.property(times, ([tUs, subNs]) => {
        const bytes = new TextEncoder().encode(write(tUs, subNs));
        const out = { tUs: 0, subNs: 0 };
        assert.ok(read(bytes, 0, bytes.length, out), new TextDecoder().decode(bytes));
        assert.deepEqual(out, { tUs, subNs });
      }),
      { examples: [[[-8_640_000_000_001, 1]], [[0, 0]], [[-1, 999]], [[951_782_400_000_000, 0]]] },
    );
  }
});
