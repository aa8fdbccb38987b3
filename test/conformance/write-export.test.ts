// From each wire format through ingest into a storage, out by the exact export, into an empty
// storage and out again: every series, kind, time and bit is what was written, and the two exports
// are equal.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { scanLineProtocol } from '../../src/formats/influx/line-protocol.ts';
import { scanJsonLines } from '../../src/formats/json-lines/decode.ts';
import { JsonLinesEncoder } from '../../src/formats/json-lines/encode.ts';
import { scanOpenMetrics } from '../../src/formats/openmetrics/openmetrics.ts';
import { scanMetricFamilies } from '../../src/formats/prometheus-protobuf/families.ts';
import { scanPrometheusText } from '../../src/formats/prometheus-text/exposition.ts';
import { scanWriteRequest } from '../../src/formats/remote-write/write-request.ts';
import type { Scan } from '../../src/ingest/ingest.ts';
import { Ingest } from '../../src/ingest/ingest.ts';
import { ALL_KINDS } from '../../src/model/columns.ts';
import { matcher } from '../../src/model/matcher.ts';
import type { ScanResult } from '../../src/model/rows.ts';
import type { StorageReader } from '../../src/model/storage.ts';
import { DEFAULT_TENANT, openPrincipal } from '../../src/model/tenant.ts';
import { seededPrng } from '../../src/stdx/prng.ts';
import { withContext } from '../contract/contexts.ts';
import { MemoryStorage } from '../contract/memory-storage.ts';
import { bytesField, doubleField, varintBytes } from '../support/protobuf-writer.ts';
import { varintField, zigzagField } from '../support/protobuf-writer.ts';

type Format = (body: Uint8Array) => Scan<ScanResult>;

const lineProtocol: Format = (body) => (dictionary, sink) => {
  const options = { precision: 'ns', defaultTimeUs: 7, mapping: ['db', 'home'] } as const;
  return scanLineProtocol(body, body.length, options, dictionary, sink);
};
const EXPOSITION = { defaultTimeUs: 7, mode: 'import', extraLabels: [] } as const;
const expositionText: Format = (body) => (dictionary, sink) => {
  return scanPrometheusText(body, body.length, EXPOSITION, dictionary, sink);
};
const openMetrics: Format = (body) => (dictionary, sink) =>
  scanOpenMetrics(body, body.length, EXPOSITION, dictionary, sink);
const protobuf: Format = (body) => (dictionary, sink) =>
  scanMetricFamilies(body, body.length, EXPOSITION, dictionary, sink);
const remoteWrite: Format = (body) => (dictionary, sink) =>
  scanWriteRequest(body, body.length, dictionary, sink);
const jsonLines: Format = (body) => (dictionary, sink) =>
  scanJsonLines(body, body.length, dictionary, sink);

async function write(
  storage: MemoryStorage,
  format: Format,
  content: string | Iterable<number>,
): Promise<void> {
  const body =
    typeof content === 'string' ? new TextEncoder().encode(content) : Uint8Array.from(content);
  const ingest = new Ingest({ storage, prng: seededPrng(3) });
  const { scan } = await ingest.write(openPrincipal(DEFAULT_TENANT), {
    protocol: 'test',
    profileKey: '',
    durability: 'sync',
    batchId: undefined,
    sizeBytes: body.length,
    scan: format(body),
  });
  assert.deepEqual(scan.errors, []);
}

async function exactExport(storage: StorageReader): Promise<string> {
  return withContext(storage, async (context) => {
    const encoder = new JsonLinesEncoder('exact');
    const chunks: Uint8Array[] = [];
    const request = {
      matchers: [matcher('__name__', '!=', '')],
      startUs: -Number.MAX_SAFE_INTEGER,
      endUs: Number.MAX_SAFE_INTEGER,
      kinds: ALL_KINDS,
    };
    for await (const series of storage.select(context, request))
      chunks.push(...encoder.add(series));
    return Buffer.concat([...chunks, ...encoder.finish()]).toString('utf8');
  });
}

/** Writes, exports, imports what was exported elsewhere, exports that. */
async function check(
  format: Format,
  content: string | Iterable<number>,
  expected: readonly string[],
): Promise<void> {
  const first = new MemoryStorage();
  await write(first, format, content);
  const exported = await exactExport(first);
  assert.deepEqual(exported.trimEnd().split('\n'), expected);
  const second = new MemoryStorage();
  await write(second, jsonLines, exported);
  assert.equal(await exactExport(second), exported);
  await Promise.all([first.close(), second.close()]);
}

test('line protocol', async () => {
  const lines = [
    'm,t=a f=0.1,i=-9223372036854775808i,u=18446744073709551615u,b=t,s="x\n\\"y" 1700000000123456789',
    'm,t=a f=-0 1700000000123456788',
    'm,t=a f=7i -1',
  ];
  const metric = (field: string): string =>
    `{"metric":{"__name__":"m_${field}","db":"home","t":"a"}`;
  const at = '"timestampsUs":[1700000000123456],"subNs":[789]}';
  await check(lineProtocol, lines.join('\n'), [
    `${metric('b')},"kind":"boolean","values":[true],${at}`,
    `${metric('f')},"kind":"i64","values":["7"],"timestampsUs":[-1],"subNs":[999]}`,
    `${metric('f')},"kind":"f64","values":[-0,0.1],` +
      '"timestampsUs":[1700000000123456,1700000000123456],"subNs":[788,789]}',
    `${metric('i')},"kind":"i64","values":["-9223372036854775808"],${at}`,
    `${metric('s')},"kind":"string","values":["x\\n\\"y"],${at}`,
    `${metric('u')},"kind":"u64","values":["18446744073709551615"],${at}`,
  ]);
});

test('exposition text', async () => {
  const page = '{"a.b",x="ü\\n"} 1e300 -5\nc NaN 1\nc -Inf 2\n';
  await check(expositionText, page, [
    '{"metric":{"__name__":"a.b","x":"ü\\n"},"kind":"f64","values":[1e+300],"timestampsUs":[-5000]}',
    '{"metric":{"__name__":"c"},"kind":"f64","values":["NaN:7ff8000000000001","-Infinity"],' +
      '"timestampsUs":[1000,2000]}',
  ]);
});

test('remote write', async () => {
  const label = bytesField(1, [...bytesField(1, '__name__'), ...bytesField(2, 'm')]);
  const sample = (value: number | bigint, timestampMs: number): number[] =>
    bytesField(2, [...doubleField(1, value), ...varintField(2, timestampMs)]);
  const span = bytesField(11, [...zigzagField(1, -1), ...varintField(2, 1)]);
  const histogram = bytesField(4, [
    ...varintField(1, 4),
    ...doubleField(3, 2.5),
    ...zigzagField(4, 3),
    ...span,
    ...zigzagField(12, 4),
    ...varintField(15, 9),
  ]);
  const samples = [...sample(0x7ff0000000000002n, 1), ...sample(0.3, 2)];
  await check(remoteWrite, bytesField(1, [...label, ...samples, ...histogram]), [
    '{"metric":{"__name__":"m"},"kind":"f64","values":["NaN:7ff0000000000002",0.3],' +
      '"timestampsUs":[1000,2000]}',
    '{"metric":{"__name__":"m"},"kind":"histogram","values":[{"isInteger":true,"schema":3,' +
      '"zeroThreshold":0,"zeroCount":0,"count":4,"sum":2.5,"counterResetHint":0,' +
      '"positiveSpans":[[-1,1]],"positiveBuckets":[4],"negativeSpans":[],"negativeBuckets":[],' +
      '"customValues":[]}],"timestampsUs":[9000]}',
  ]);
});

test('protobuf exposition: rows of one length are told apart', async () => {
  const pair = (value: string) => bytesField(1, [...bytesField(1, 'a'), ...bytesField(2, value)]);
  const metric = (value: string, counter: number): number[] => {
    const created = bytesField(3, varintField(1, 2));
    return bytesField(4, [
      ...pair(value),
      ...bytesField(3, [...doubleField(1, counter), ...created]),
    ]);
  };
  const family = [
    ...bytesField(1, 'm'),
    ...varintField(3, 0),
    ...metric('x', 1),
    ...metric('y', 2),
  ];
  await check(
    protobuf,
    [...varintBytes(family.length), ...family],
    [
      '{"metric":{"__name__":"m","a":"x"},"kind":"f64","values":[1],"timestampsUs":[7],"startUs":[2000000]}',
      '{"metric":{"__name__":"m","a":"y"},"kind":"f64","values":[2],"timestampsUs":[7],"startUs":[2000000]}',
    ],
  );
});

test('OpenMetrics', async () => {
  const page = '# TYPE m counter\nm_total{a="x"} 1 2.5\nm_total{a="y"} 2 0.000001\n# EOF\n';
  await check(openMetrics, page, [
    '{"metric":{"__name__":"m_total","a":"x"},"kind":"f64","values":[1],"timestampsUs":[2500000]}',
    '{"metric":{"__name__":"m_total","a":"y"},"kind":"f64","values":[2],"timestampsUs":[1]}',
  ]);
});
