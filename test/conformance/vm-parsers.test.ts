// What VictoriaMetrics' parsers refuse must be refused here too (a refusal there is reliable, an
// acceptance is advice). Listed are inputs on which the owner of the format disagrees with it.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parseColumns } from '../../src/formats/csv/columns.ts';
import { scanCsv } from '../../src/formats/csv/scan.ts';
import { scanPlaintext } from '../../src/formats/graphite/plaintext.ts';
import { scanLineProtocol } from '../../src/formats/influx/line-protocol.ts';
import { scanJsonLines } from '../../src/formats/json-lines/decode.ts';
import { scanPutJson } from '../../src/formats/opentsdb/put-json.ts';
import { isPutAt, scanPutLines } from '../../src/formats/opentsdb/put-lines.ts';
import { scanPrometheusText } from '../../src/formats/prometheus-text/exposition.ts';
import type { ScanResult } from '../../src/model/rows.ts';
import { RowRecorder, withCanary } from '../support/row-recorder.ts';
import { sharedPath } from '../support/shared.ts';

const suite = sharedPath('corpora/vm-parsers');

interface Case {
  readonly func: string;
  readonly line: number;
  readonly input: string;
  readonly accept: boolean;
}

function cases(file: string, functions: RegExp): Case[] {
  return readFileSync(`${suite.path}/${file}`, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Case)
    .filter((one) => functions.test(one.func));
}

function scanInflux(text: string): ScanResult {
  const { body, end } = withCanary(text);
  const recorder = new RowRecorder();
  const options = { precision: 'ns', defaultTimeUs: 0, mapping: [] } as const;
  return scanLineProtocol(body, end, options, recorder, recorder);
}

function scanGraphite(text: string): ScanResult {
  const { body, end } = withCanary(text);
  const recorder = new RowRecorder();
  return scanPlaintext(body, end, { defaultTimeUs: 0 }, recorder, recorder);
}

/** As the listener does: lines that are no `put` are commands, of which none of these is one. */
function scanTelnet(text: string): ScanResult {
  const recorder = new RowRecorder();
  const sum = { rowCount: 0, pointCount: 0, errorCount: 0, errors: [] };
  for (const line of text.split('\n').filter((one) => one.trim() !== '')) {
    const { body, end } = withCanary(`${line}\n`);
    if (!isPutAt(body, 0, end)) sum.errorCount++;
    else {
      const { pointCount, errorCount } = scanPutLines(body, [0, end], recorder, recorder);
      sum.pointCount += pointCount;
      sum.errorCount += errorCount;
    }
  }
  return sum;
}

function scanPut(text: string): ScanResult {
  const { body, end } = withCanary(text);
  const recorder = new RowRecorder();
  const result = scanPutJson(body, end, { wantsProblems: false }, recorder, recorder);
  return result.malformed === '' ? result : { ...result, pointCount: 0, errorCount: 1 };
}

function scanText(text: string): ScanResult {
  const { body, end } = withCanary(text);
  const recorder = new RowRecorder();
  const options = { defaultTimeUs: 0, mode: 'scrape', extraLabels: [] } as const;
  return scanPrometheusText(body, end, options, recorder, recorder);
}

function scanImport(text: string): ScanResult {
  const { body, end } = withCanary(text);
  const recorder = new RowRecorder();
  return scanJsonLines(body, end, recorder, recorder);
}

/** Names of the cases that go the other way than the suite says. */
function disagreements(list: readonly Case[], scan: (text: string) => ScanResult): string[] {
  return list
    .filter((one) => {
      const result = scan(one.input);
      // Their "refuse" is: no row comes out.
      const isRefused = result.errorCount > 0 || result.pointCount === 0;
      return one.accept ? result.errorCount > 0 : !isRefused;
    })
    .map((one) => `${one.line} ${one.input}`);
}

test('line protocol', { skip: suite.skip }, () => {
  const list = cases('influx.jsonl', /^TestRowsUnmarshal/);
  assert.ok(list.length >= 20);
  assert.deepEqual(disagreements(list, scanInflux), [
    // InfluxDB: a measurement is required, tags have keys and values.
    '209 ,foo=bar baz=123',
    '311 foo,tag1=xyz,tagN=,tag2=43as,=xxx bar=123',
  ]);
});

test('Graphite lines', { skip: suite.skip }, () => {
  const list = cases('graphite.jsonl', /^TestRowsUnmarshal/);
  assert.ok(list.length >= 14);
  assert.deepEqual(disagreements(list, scanGraphite), [
    // carbon: three words; tags have a name, an equals sign and a value. 429496729600 s is beyond
    // 2255.
    '161 s a;ta g..1=a-b..c;tag2 123 456',
    '261 aaa 1123 429496729600',
    '300 foo; 1 2',
    '309 foo;bar 1 2',
    '317 foo;bar=baz;aa=;x=y;=z 1 2',
  ]);
});

test('OpenTSDB telnet', { skip: suite.skip }, () => {
  const list = cases('opentsdb.jsonl', /^TestRowsUnmarshal/);
  assert.ok(list.length >= 15);
  assert.deepEqual(disagreements(list, scanTelnet), [
    // OpenTSDB: a tag is a name, one equals sign and a value.
    '91 put foobar 789 -123.456 a= b=c =d',
    '174 put foo 2 1 bar=baz=aaa x=y',
  ]);
});

test('OpenTSDB JSON', { skip: suite.skip }, () => {
  const list = cases('opentsdbhttp.jsonl', /^TestRowsUnmarshal/);
  assert.ok(list.length >= 20);
  assert.deepEqual(disagreements(list, scanPut), [
    // OpenTSDB: names and values of tags are not empty.
    '165 {"metric": "foobar", "timestamp": 123, "value": -123.456, "tags": {"a":"", "b":"c", "": "d"}}',
  ]);
});

test('exposition text', { skip: suite.skip }, () => {
  const list = cases('prometheus.jsonl', /^TestRowsUnmarshal/);
  assert.ok(list.length >= 40);
  assert.deepEqual(disagreements(list, scanText), [
    // The format: timestamps are integers, names have no '#' or '.', exemplars are OpenMetrics'.
    '304 foobar{} 123.456 789.4354\n',
    '352 foo#qw{bar#2="#1 az"} 24 456 # foobar {baz="x"}',
    '603 # foo\n # bar ba zzz\nfoo 0.3 2\naaa 3\nbar.baz 0.34 43\n',
  ]);
});

test('JSON lines', { skip: suite.skip }, () => {
  const list = cases('vmimport.jsonl', /./);
  assert.ok(list.length >= 20);
  const found = disagreements(list, scanImport).map((one) => one.split(' ', 1)[0]);
  // 114 has bare words that JSON does not have; 196 has a line of garbage between good ones.
  assert.deepEqual(found, ['114', '196']);
});

interface CsvCase extends Case {
  readonly args?: string;
  readonly expected?: readonly [string, readonly CsvRow[] | null];
}

interface CsvRow {
  readonly Metric: string;
  readonly Tags?: readonly { readonly Key: string; readonly Value: string }[];
  readonly Timestamp?: number;
  readonly Value: number;
}

/** As RowRecorder prints it; without a time of its own a row has that of the test. */
function csvRowText({ Metric, Tags = [], Timestamp = 7, Value }: CsvRow): string {
  const tags = Tags.map(({ Key, Value: value }) => `,${Key}=${value}`).toSorted();
  return `__name__=${Metric}${tags.join('')} f64 ${Value} @${Timestamp * 1000}`;
}

test('CSV: every refusal, and every row of what is accepted', { skip: suite.skip }, () => {
  const list = cases('csvimport.jsonl', /./) as CsvCase[];
  assert.ok(list.length >= 17);
  for (const one of list) {
    const columns = parseColumns(one.input);
    assert.ok(typeof columns !== 'string', `${one.line}: ${JSON.stringify(columns)}`);
    const { body, end } = withCanary(one.accept ? one.expected![0] : one.args!);
    const recorder = new RowRecorder();
    const options = { columns, defaultTimeUs: 7000, header: 'auto' } as const;
    const result = scanCsv(body, end, options, recorder, recorder);
    const rows = one.accept ? (one.expected![1] ?? []) : [];
    assert.equal(recorder.text(), rows.map(csvRowText).join('\n'), String(one.line));
    assert.equal(result.errorCount > 0, !one.accept, String(one.line));
  }
});
