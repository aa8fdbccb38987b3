// The promqltest suite as its users run it: data sets written by remote write, one tenant each,
// every case asked over HTTP. Start timestamps have no place in remote write 1.0: data sets that
// carry them are written by version 2.0. Cases that fail are asked again of a server that drops
// names at the end of a query, as the reference's own runs do. Known failures are listed in
// promqltest-http-known-failing.txt, which may only shrink (UPDATE=1 writes it anew).
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { encodeSnappy } from '../../src/codec/snappy.ts';
import { labelsFromObject } from '../../src/model/labels.ts';
import type { Histogram } from '../../src/model/histogram.ts';
import { errorMessage } from '../../src/stdx/assert.ts';
import {
  caseName,
  readCases,
  readDatasets,
  runCase,
  SUITE,
} from '../conformance/promqltest-cases.ts';
import type { Ask, AskParams, JsonAnswer } from '../conformance/promqltest-cases.ts';
import { readDataset, STALE_BITS } from '../conformance/promqltest-data.ts';
import type { DataSeries } from '../conformance/promqltest-data.ts';
import { bytesField } from '../support/protobuf-writer.ts';
import { histogramMessage, requestV2, sampleMessage } from '../support/remote-write-v2.ts';
import type { SeriesV2 } from '../support/remote-write-v2.ts';
import { startOrrery } from './harness.ts';
import type { RunningOrrery } from './harness.ts';

const LIST = new URL('promqltest-http-known-failing.txt', import.meta.url);
const VERSION_2 = 'application/x-protobuf;proto=io.prometheus.write.v2.Request';

let orrery: RunningOrrery;
let delayed: RunningOrrery;
before(async () => {
  orrery = await startOrrery(['--no-collect']);
  delayed = await startOrrery(['--no-collect', '--promql-delayed-name-removal']);
});
after(async () => {
  await orrery.stop();
  await delayed.stop();
});

/** A message of version 1.0, which has no place for start times. */
function seriesMessage(series: DataSeries): number[] {
  const out: number[] = [];
  const labels = labelsFromObject(series.labels);
  for (let i = 0; i < labels.length; i += 2)
    out.push(...bytesField(1, [...bytesField(1, labels[i]!), ...bytesField(2, labels[i + 1]!)]));
  for (const { tMs, value } of series.samples)
    if (typeof value === 'object')
      out.push(...bytesField(4, histogramMessage({ histogram: asFloats(value), tMs })));
    else out.push(...bytesField(2, sampleMessage({ value: bitsOf(value), tMs })));
  return out;
}

/** The reference's own runs count with floats. */
const asFloats = (histogram: Histogram): Histogram => ({ ...histogram, isInteger: false });
const bitsOf = (value: number | 'stale'): number | bigint =>
  value === 'stale' ? STALE_BITS : value;

function seriesOf({ labels, samples }: DataSeries): SeriesV2 {
  const start = (startMs: number | undefined) => (startMs === undefined ? {} : { startMs });
  return {
    labels: labelsFromObject(labels),
    samples: samples.flatMap(({ value, tMs, startMs }) =>
      typeof value === 'object' ? [] : [{ value: bitsOf(value), tMs, ...start(startMs) }],
    ),
    histograms: samples.flatMap(({ value, tMs, startMs }) =>
      typeof value === 'object' ? [{ histogram: asFloats(value), tMs, ...start(startMs) }] : [],
    ),
  };
}

/** Version 2.0 refuses a series without any. */
const hasPoints = ({ samples = [], histograms = [] }: SeriesV2): boolean =>
  samples.length + histograms.length > 0;

async function load(
  server: RunningOrrery,
  tenant: string,
  dataset: readonly DataSeries[],
): Promise<void> {
  const hasStarts = dataset.some(({ samples }) => samples.some((s) => s.startMs !== undefined));
  const body = hasStarts
    ? requestV2(dataset.map(seriesOf).filter(hasPoints))
    : dataset.flatMap((series) => bytesField(1, seriesMessage(series)));
  const answer = await server.post(
    '/api/v1/write',
    new Uint8Array(encodeSnappy(Uint8Array.from(body))),
    {
      headers: {
        'Content-Type': hasStarts ? VERSION_2 : 'application/x-protobuf',
        'Content-Encoding': 'snappy',
        'X-Scope-OrgID': tenant,
      },
    },
  );
  assert.equal(answer.status, 204, `${tenant}: ${answer.text}`);
}

const asking =
  (server: RunningOrrery): Ask =>
  async (query: string, params: AskParams): Promise<JsonAnswer> => {
    const { startMs, endMs, stepMs } = params;
    const form =
      stepMs === 0
        ? { query, time: String(startMs / 1000) }
        : {
            query,
            start: String(startMs / 1000),
            end: String(endMs / 1000),
            step: String(stepMs / 1000),
          };
    const path = stepMs === 0 ? 'query' : 'query_range';
    const answer = await server.post(`/api/v1/${path}`, new URLSearchParams(form).toString(), {
      headers: {
        'Content-Type': 'application/x-www-form-urlencoded',
        'X-Scope-OrgID': `set${params.dataset}`,
      },
    });
    return JSON.parse(answer.text) as JsonAnswer;
  };

test('promqltest cases over HTTP', { skip: SUITE.skip, timeout: 300_000 }, async () => {
  const cases = readCases();
  const datasets = new Map(readDatasets().map((d) => [d.dataset, d]));
  type Case = (typeof cases)[number];
  const failing = async (server: RunningOrrery, some: readonly Case[]) => {
    for (const number of new Set(some.map((one) => one.dataset))) {
      const dataset = datasets.get(number);
      if (dataset !== undefined) await load(server, `set${number}`, readDataset(dataset));
    }
    const out = new Map<Case, string>();
    for (const one of some) {
      const failure = await runCase(one, asking(server)).catch((e: unknown) => errorMessage(e));
      if (failure !== undefined) out.set(one, failure);
    }
    return out;
  };
  const first = await failing(orrery, cases);
  const second = await failing(delayed, [...first.keys()]);
  const failures = new Map(Array.from(second, ([one, why]) => [caseName(one), why]));
  console.log(
    `${cases.length - first.size} of ${cases.length} cases pass, ` +
      `${first.size - second.size} more with delayed removal of names`,
  );
  if (process.env['UPDATE'] === '1') {
    const head = '# Cases of the promqltest suite that fail over HTTP; may only shrink.';
    writeFileSync(LIST, `${[head, ...failures.keys()].join('\n')}\n`);
  }
  const known = readFileSync(LIST, 'utf8')
    .split('\n')
    .filter((l) => l !== '' && !l.startsWith('#'));
  const fresh = [...failures].filter(([name]) => !known.includes(name));
  assert.deepEqual(fresh, [], 'cases that fail and are not listed');
  const fixed = known.filter((name) => !failures.has(name));
  assert.deepEqual(fixed, [], 'listed cases that pass: remove them from the list');
});
