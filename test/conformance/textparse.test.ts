// Text-format cases of the public suites: Prometheus' own text parser, prometheus/common's and the
// Python client's; whole pages with every entry they must give; real pages of node_exporter. Known
// failures are listed with their reasons; the list may only shrink: a case that passes must leave
// it.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { test } from 'node:test';
import { scanPrometheusText } from '../../src/formats/prometheus-text/exposition.ts';
import { labelsFromObject } from '../../src/model/labels.ts';
import { RowRecorder, withCanary } from '../support/row-recorder.ts';
import { sharedPath } from '../support/shared.ts';

/** Text, or bytes that are no text: `{"_base64": …}`. */
type Bytes = string | Readonly<Record<string, string>>;

interface Case {
  readonly format?: string;
  readonly input: Bytes;
  readonly ok: boolean;
}

interface PageEntry {
  readonly raw?: string;
  readonly help?: string;
  readonly type?: string;
  readonly value?: number;
  readonly timestamp_ms?: number;
  readonly labels?: Readonly<Record<string, string>>;
}

const suite = sharedPath('corpora/prom-textparse');
const samples = sharedPath('corpora/scrape-samples/node_exporter');
const FORMAT = 'prometheus-text-0.0.4';

/** Inputs that the import mode takes although prometheus/common refuses them, and why. */
const KNOWN_FAILURES: ReadonlyMap<string, string> = new Map([
  ['\nbla 3.14\nblubber 42', 'a missing last line break is fine, as for the scraper'],
  [
    'metric_name{"foo"="bar", "dotted.label"="bla"} 3.14\n',
    'quoted label names are valid; the case runs with the legacy name rules',
  ],
]);
/** Structural rules of histograms: a page with such counts is stored as it stands. */
const KNOWN_REASONS: readonly RegExp[] = [/histogram[^]*\} -\d+(\.\d+)?\n/, /_count -\d/];

function lines(path: string): unknown[] {
  return readFileSync(`${suite.path}/${path}`, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown);
}

function scan(input: Bytes, mode: 'import' | 'scrape') {
  const bytes = typeof input === 'string' ? input : Buffer.from(input['_base64']!, 'base64');
  const { body, end } = withCanary(bytes);
  const recorder = new RowRecorder();
  const options = { defaultTimeUs: 0, mode, extraLabels: [] };
  return { recorder, result: scanPrometheusText(body, end, options, recorder, recorder) };
}

test("accept and refuse as Prometheus' own parser does", { skip: suite.skip }, () => {
  const cases = [...lines('errors.jsonl'), ...lines('client_python.jsonl')] as Case[];
  const relevant = cases.filter((c) => c.format === FORMAT);
  assert.ok(relevant.length >= 25);
  for (const mode of ['import', 'scrape'] as const)
    for (const { input, ok } of relevant)
      assert.equal(scan(input, mode).result.errorCount === 0, ok, JSON.stringify({ input, mode }));
});

test('accept and refuse as prometheus/common does', { skip: suite.skip }, () => {
  const cases = lines('expfmt.jsonl') as Case[];
  assert.ok(cases.length >= 40);
  for (const { input, ok } of cases) {
    const isOk = scan(input, 'import').result.errorCount === 0;
    const text = typeof input === 'string' ? input : '';
    const isKnown = KNOWN_FAILURES.has(text) || (!ok && KNOWN_REASONS.some((r) => r.test(text)));
    assert.equal(isOk, isKnown ? !ok : ok, JSON.stringify(input));
  }
});

test('whole pages give every entry', { skip: suite.skip }, () => {
  const pages = lines('pages.jsonl') as {
    format: string;
    input: string;
    expected: (PageEntry | null)[];
  }[];
  for (const page of pages.filter((p) => p.format === FORMAT)) {
    const { recorder, result } = scan(page.input, 'scrape');
    assert.deepEqual(result.errors, []);
    const rows = recorder.rows.map((row) => `${row.series} ${String(row.value)} ${row.tUs}`);
    let sampleCount = 0;
    for (const entry of page.expected) {
      if (entry?.help !== undefined || entry?.type !== undefined) {
        const row = recorder.metadataRows.find((m) => m.family === entry.raw);
        if (entry.help !== undefined) assert.equal(row?.help, entry.help);
        if (entry.type !== undefined) assert.equal(row?.type, entry.type);
      }
      if (entry?.labels === undefined || entry.value === undefined) continue;
      const labels = labelsFromObject(entry.labels);
      const series = labels.map((text, i) => (i % 2 === 0 ? `${text}=` : `${text},`)).join('');
      const timeUs = (entry.timestamp_ms ?? 0) * 1000;
      const expected = `${series.slice(0, -1)} ${entry.value} ${timeUs}`;
      assert.ok(rows.includes(expected), expected);
      sampleCount++;
    }
    assert.ok(sampleCount > 10);
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
    const { recorder, result } = scan(text, 'scrape');
    assert.deepEqual(result.errors, [], name);
    assert.equal(recorder.rows.length, sampleLines.length, name);
  }
});
