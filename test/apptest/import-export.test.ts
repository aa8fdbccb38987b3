// Imports and exports at a real server: CSV and JSON lines in, the same out; everything that the
// exact form carries goes out, into an empty server, and out again as the same bytes, from memory
// and from parts.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { startOrrery } from './harness.ts';
import type { RunningOrrery } from './harness.ts';

const EVERYTHING = encodeURIComponent('{__name__!=""}');

let orrery: RunningOrrery;
before(async () => {
  orrery = await startOrrery(['--no-collect']);
});
after(() => orrery.stop());

async function exported(query: string, from = orrery): Promise<string> {
  const { status, text } = await from.get(`/api/v1/export${query}`);
  assert.equal(status, 200, text);
  return text;
}

test('CSV: columns, header, quotes, empty cells; each bad row is named', async () => {
  const format = encodeURIComponent('1:time:unix_us,2:metric:csv_a,3:metric:csv_b,4:label:site');
  const good = 'time,a,b,site\n1700000000123456,1.5,,"x,y"\n1700000001000000,,2,z\n';
  const first = await orrery.post(`/api/v1/import/csv?format=${format}`, good);
  assert.deepEqual([first.status, first.text], [204, '']);
  const bad = '1700000002000000,3,4,z\nnoon,1,1,z\n1700000003000000,5,x,z\n1,2\n';
  const second = await orrery.post(`/api/v1/import/csv?format=${format}`, bad);
  assert.equal(second.status, 400);
  assert.equal(
    second.text,
    'refused lines: 3, kept samples: 2\n' +
      'line 2: the time "noon" cannot be read (byte 1)\n' +
      'line 3: the value "x" of column 3 is no number (byte 20)\n' +
      'line 4: the row has 2 cells, and column 4 is asked for (byte 5)\n',
  );
  const match = encodeURIComponent('{__name__=~"csv_.*"}');
  const out = await exported(`/csv?format=site,__timestamp__:rfc3339,__value__&match[]=${match}`);
  assert.equal(
    out,
    '"x,y",2023-11-14T22:13:20.123456Z,1.5\n' +
      'z,2023-11-14T22:13:22Z,3\n' +
      'z,2023-11-14T22:13:21Z,2\n' +
      'z,2023-11-14T22:13:22Z,4\n',
  );
  const other = `/csv?format=${encodeURIComponent('__name__,__timestamp__:custom:02 Jan 2006')}`;
  assert.equal(await exported(`${other}&match[]=csv_a{site="z"}`), 'csv_a,14 Nov 2023\n');
});

test('CSV: what is asked for and cannot be', async () => {
  const cases = [
    ['', /format: "" is not COL:metric:NAME/],
    ['?format=1:metric:m&header=perhaps', /header must be/],
    ['?format=1:metric:m&timestamp=now', /timestamp must be whole milliseconds/],
    ['?format=1:metric:m&extra_label=x', /extra_label must be NAME=VALUE/],
  ] as const;
  for (const [query, reason] of cases) {
    const { status, text } = await orrery.post(`/api/v1/import/csv${query}`, '1\n');
    assert.equal(status, 400);
    assert.match(text, reason);
  }
  const { status, text } = await orrery.get('/api/v1/export/csv?format=__timestamp__:x&match[]=m');
  assert.equal(status, 400);
  assert.match(text, /unknown time format/);
});

test('timestamp and extra_label at every import; extra_label at every export', async () => {
  const query = 'timestamp=1700000000000&extra_label=job=import&extra_label=at=a%3Db';
  const bodies = [
    ['/csv?format=1:metric:x_csv,2:label:job&', '1,other\n'],
    ['/prometheus?', 'x_text{job="other"} 2\n'],
    ['?', '{"metric":{"__name__":"x_json","job":"o"},"values":[3],"timestamps":[1700000000000]}\n'],
  ] as const;
  for (const [path, body] of bodies) {
    const { status, text } = await orrery.post(`/api/v1/import${path}${query}`, body);
    assert.equal(status, 204, text);
  }
  const match = encodeURIComponent('{__name__=~"x_.*"}');
  const lines = ['csv', 'json', 'text'].map(
    (name, i) =>
      `{"metric":{"__name__":"x_${name}","at":"a=b","job":"import"},"values":[${[1, 3, 2][i]}],` +
      '"timestamps":[1700000000000]}\n',
  );
  assert.equal(await exported(`?match[]=${match}`), lines.join(''));
  assert.equal(await exported(`?match[]=${match}&extra_label=at=a%3Db`), lines.join(''));
  assert.equal(await exported(`?match[]=${match}&extra_label=job=other`), '');
  const csv = `/csv?format=__value__&match[]=${match}`;
  assert.equal(await exported(`${csv}&extra_label=job=import`), '1\n3\n2\n');
  assert.equal(await exported(`${csv}&extra_label=job=other`), '');
});

test('export: times, lines of bounded length, a series comes once', async () => {
  const rows = Array.from({ length: 7 }, (_, i) => `${i},${1_700_000_000 + i}\n`).join('');
  const { status } = await orrery.post(
    '/api/v1/import/csv?format=1:metric:bounded,2:time:unix_s',
    rows,
  );
  assert.equal(status, 204);
  const query = '?match[]=bounded&match[]={__name__=~"bound.*"}&start=1700000001&end=1700000005';
  const lines = (await exported(`${query}&max_rows_per_line=2`)).trimEnd().split('\n');
  const values = lines.map((line) => (JSON.parse(line) as { values: number[] }).values);
  assert.deepEqual(values, [[1, 2], [3, 4], [5]]);
  for (const unit of ['000', '000000', '000000000']) {
    const range = `start=1700000001${unit}&end=1700000005${unit}`;
    const { text } = await orrery.get(
      `/api/v1/export/csv?format=__value__&match[]=bounded&${range}`,
    );
    assert.equal(text, '1\n2\n3\n4\n5\n');
  }
  const { status: refused } = await orrery.get(`/api/v1/export${query}&max_rows_per_line=x`);
  assert.equal(refused, 400);
});

const T = 1_700_000_000_000_000;
const HISTOGRAM = {
  isInteger: true,
  schema: 3,
  zeroThreshold: 2.938735877055719e-39,
  zeroCount: 1,
  count: 6,
  sum: 'NaN:7ff0000000000002',
  counterResetHint: 2,
  positiveSpans: [[-2, 2]],
  positiveBuckets: [3, 2],
  negativeSpans: [],
  negativeBuckets: [],
  customValues: [],
};
const CUSTOM = {
  ...HISTOGRAM,
  isInteger: false,
  schema: -53,
  zeroThreshold: 0,
  zeroCount: 0,
  count: 2.5,
  sum: 0.1,
  counterResetHint: 3,
  positiveSpans: [[0, 2]],
  positiveBuckets: [1.5, 1],
  customValues: [0.5],
};

function exactLine(name: string, kind: string, values: readonly unknown[], more = {}): string {
  const timestampsUs = values.map((_, i) => T + i * 1_000_001);
  return JSON.stringify({
    metric: { __name__: name, 'a"ü': '\n' },
    kind,
    values,
    timestampsUs,
    ...more,
  });
}

/** All that the exact form carries, in its own words. */
const KINDS = [
  exactLine('k_bool', 'boolean', [true, false]),
  exactLine('k_custom', 'histogram', [CUSTOM]),
  exactLine('k_f64', 'f64', [0.1, 5e-324, 'Infinity', '-Infinity', 'NaN', 'NaN:7ff0000000000002']),
  exactLine('k_hist', 'histogram', [HISTOGRAM, { ...HISTOGRAM, sum: 'NaN' }], {
    startUs: [null, T],
  }),
  exactLine('k_i64', 'i64', ['-9223372036854775808', '9007199254740993'], {
    startUs: [T - 5, null],
  }),
  exactLine('k_mixed', 'i64', ['1']),
  exactLine('k_place', 'f64', [1, 2, 3], {
    latitude: [48.5, null, null],
    longitude: [-4.25, null, null],
    elevation: [null, null, 1.5],
  }),
  exactLine('k_string', 'string', ['', '\u0000"\\ü\n']),
  exactLine('k_sub', 'f64', [1, 2], { subNs: [0, 999] }),
  exactLine('k_u64', 'u64', ['18446744073709551615', '0']),
];
const MIXED_LATER =
  '{"metric":{"__name__":"k_mixed","a\\"ü":"\\n"},"kind":"f64","values":[-0],"timestampsUs":[5]}';

async function roundTrip(from: RunningOrrery): Promise<string> {
  const match = `?match[]=${EVERYTHING}&exact=1`;
  // Nobody who asks for it otherwise gets the form that loses something.
  const unclear = await orrery.get(`/api/v1/export?match[]=${EVERYTHING}&exact=yes`);
  assert.deepEqual(
    [unclear.status, unclear.text],
    [400, 'invalid parameter "exact": expected 1, true, 0 or false\n'],
  );
  const out = await exported(match, from);
  const empty = await startOrrery(['--no-collect']);
  try {
    const zipped = gzipSync(out);
    const headers = { 'Content-Encoding': 'gzip' };
    const { status, text } = await empty.post('/api/v1/import', zipped, { headers });
    assert.equal(status, 204, text);
    assert.equal(await exported(match, empty), out);
    // Once more: nothing new.
    assert.equal((await empty.post('/api/v1/import', out)).status, 204);
    assert.equal(await exported(match, empty), out);
    await empty.post('/orrery/v1/admin/flush', '');
    assert.equal(await exported(match, empty), out);
  } finally {
    await empty.stop();
  }
  return out;
}

test('exact export → empty server → exact export: the same bytes, of every kind', async () => {
  const source = await startOrrery(['--no-collect']);
  try {
    const long = exactLine(
      'k_long',
      'f64',
      Array.from({ length: 12_000 }, (_, i) => i / 3),
      { subNs: Array.from({ length: 12_000 }, (_, i) => (i < 100 ? i : 0)) },
    );
    const { status, text } = await source.post(
      '/api/v1/import',
      [...KINDS, MIXED_LATER, long].join('\n'),
    );
    assert.equal(status, 204, text);
    const young = await roundTrip(source);
    for (const one of KINDS)
      assert.ok(young.includes(`${one}\n`), `${one}\n${young.slice(0, 4000)}`);
    assert.ok(young.includes(`${MIXED_LATER}\n`));
    await source.post('/orrery/v1/admin/flush', '');
    await source.post('/orrery/v1/admin/compact', '');
    assert.equal(await roundTrip(source), young);
  } finally {
    await source.stop();
  }
});
