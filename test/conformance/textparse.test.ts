// Cases of the public suites for both text formats: Prometheus' own parsers, prometheus/common's
// and the Python client's, the test vectors of OpenMetrics; whole pages with every entry they must
// give; real pages of node_exporter. Known failures are listed with their reasons
// (textparse-cases.ts); the list may only shrink: a case that passes must leave it.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { scanOpenMetrics } from '../../src/formats/openmetrics/openmetrics.ts';
import { scanPrometheusText } from '../../src/formats/prometheus-text/exposition.ts';
import { labelsFromObject } from '../../src/model/labels.ts';
import { RowRecorder, withCanary } from '../support/row-recorder.ts';
import { sharedPath } from '../support/shared.ts';
import type { TextCase } from './textparse-cases.ts';
import {
  isKnownFailure,
  OPENMETRICS,
  PROMETHEUS_TEXT,
  readPages,
  readTextCases,
  readVectors,
  SUITE,
  VECTORS,
} from './textparse-cases.ts';

interface PageEntry {
  readonly raw?: string;
  readonly help?: string;
  readonly type?: string;
  readonly value?: number;
  readonly timestamp_ms?: number;
  readonly unit?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly exemplars?: readonly {
    readonly labels: Readonly<Record<string, string>>;
    readonly value: number;
    /** Milliseconds. */
    readonly ts: number | null;
  }[];
}

const samples = sharedPath('corpora/scrape-samples/node_exporter');

function scan({ format, input }: TextCase, mode: 'import' | 'scrape') {
  const bytes = typeof input === 'string' ? input : Buffer.from(input['_base64']!, 'base64');
  const { body, end } = withCanary(bytes);
  const recorder = new RowRecorder();
  const options = { defaultTimeUs: 0, mode, extraLabels: [] };
  const scanner = format === OPENMETRICS ? scanOpenMetrics : scanPrometheusText;
  return { recorder, result: scanner(body, end, options, recorder, recorder) };
}

function check(cases: readonly TextCase[], mode: 'import' | 'scrape'): void {
  for (const one of cases) {
    const isOk = scan(one, mode).result.errorCount === 0;
    assert.equal(isOk, isKnownFailure(one) ? !one.ok : one.ok, JSON.stringify({ ...one, mode }));
  }
}

test("accept and refuse as Prometheus' own parsers do", { skip: SUITE.skip }, () => {
  const cases = readTextCases('errors.jsonl');
  assert.ok(cases.length >= 70);
  for (const mode of ['import', 'scrape'] as const) check(cases, mode);
});

test('accept and refuse as the Python client does', { skip: SUITE.skip }, () => {
  const cases = readTextCases('client_python.jsonl');
  assert.ok(cases.length >= 165);
  check(cases, 'import');
});

test('accept and refuse as prometheus/common does', { skip: SUITE.skip }, () => {
  const cases = readTextCases('expfmt.jsonl');
  assert.ok(cases.length >= 40);
  check(cases, 'import');
});

test('accept and refuse the test vectors of OpenMetrics', { skip: VECTORS.skip }, () => {
  const cases = readVectors();
  assert.ok(cases.length >= 126);
  check(cases, 'import');
});

test('whole pages give every entry', { skip: SUITE.skip }, () => {
  const pages = readPages() as (TextCase & { expected: (PageEntry | null)[] })[];
  assert.equal(pages.length, 4);
  for (const page of pages) {
    const { recorder, result } = scan(page, 'scrape');
    assert.deepEqual(result.errors, []);
    const rows = recorder.rows.map((row) => `${row.series} ${String(row.value)} ${row.tUs}`);
    let sampleCount = 0;
    for (const entry of page.expected) {
      if (entry?.help !== undefined || entry?.type !== undefined || entry?.unit !== undefined) {
        const row = recorder.metadataRows.find((m) => m.family === entry.raw);
        if (entry.help !== undefined) assert.equal(row?.help, entry.help);
        if (entry.type !== undefined) assert.equal(row?.type, entry.type);
        if (entry.unit !== undefined) assert.equal(row?.unit, entry.unit);
      }
      if (entry?.labels === undefined || entry.value === undefined) continue;
      const labels = labelsFromObject(entry.labels);
      const series = labels.map((text, i) => (i % 2 === 0 ? `${text}=` : `${text},`)).join('');
      const timeUs = (entry.timestamp_ms ?? 0) * 1000;
      const expected = `${series.slice(0, -1)} ${entry.value} ${timeUs}`;
      assert.ok(rows.includes(expected), expected);
      sampleCount++;
      for (const exemplar of entry.exemplars ?? []) {
        const exemplarUs = (exemplar.ts ?? entry.timestamp_ms ?? 0) * 1000;
        const found = recorder.exemplars.some(
          (row) =>
            recorder.seriesOf(row.ref) === series.slice(0, -1) &&
            row.value === exemplar.value &&
            row.tUs === exemplarUs &&
            isDeepStrictEqual(row.labels, labelsFromObject(exemplar.labels)),
        );
        assert.ok(found, JSON.stringify(exemplar));
      }
    }
    assert.ok(sampleCount >= 10);
  }
});

test('real pages parse completely', { skip: samples.skip }, () => {
  const folder = samples.path;
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
    /\.(txt|prom|out)$/.test(name),
  );
  assert.ok(names.length >= 8);
  for (const name of names) {
    const text = readFileSync(`${folder}/${name}`, 'utf8');
    const sampleLines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    const { recorder, result } = scan({ format: PROMETHEUS_TEXT, input: text, ok: true }, 'scrape');
    assert.deepEqual(result.errors, [], name);
    assert.equal(recorder.rows.length, sampleLines.length, name);
  }
});
