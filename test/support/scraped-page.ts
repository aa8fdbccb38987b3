// A page that a Prometheus scrapes in protobuf: a counter, a gauge and a native histogram that say
// which page it is, with exemplars, units and start times.
import {
  bytesField,
  doubleField,
  varintBytes,
  varintField,
  zigzag,
  zigzagField,
} from './protobuf-writer.ts';

export const CREATED_SEC = 1_700_000_000;
export const PAGE_CONTENT_TYPE =
  'application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited';

const label = (name: string, value: string): number[] =>
  bytesField(1, [...bytesField(1, name), ...bytesField(2, value)]);
const created = (field: number): number[] => bytesField(field, varintField(1, CREATED_SEC));

function family(name: string, help: string, type: number, metric: number[], unit = ''): number[] {
  const message = [
    ...bytesField(1, name),
    ...bytesField(2, help),
    ...varintField(3, type),
    ...bytesField(4, metric),
    ...(unit === '' ? [] : bytesField(5, unit)),
  ];
  return [...varintBytes(message.length), ...message];
}

/** The n-th page: a counter that says n, a gauge, a histogram of n, 2n and n observations. */
export function scrapedPage(n: number): Uint8Array {
  const exemplar = bytesField(2, [...label('trace_id', `t${n}`), ...doubleField(2, n + 0.5)]);
  const counter = bytesField(3, [...doubleField(1, n), ...exemplar, ...created(3)]);
  const histogram = bytesField(7, [
    ...varintField(1, n * 4),
    ...doubleField(2, n * 1.5),
    ...zigzagField(5, 3),
    ...doubleField(6, 1e-9),
    ...varintField(7, n),
    ...bytesField(12, [...zigzagField(1, -2), ...varintField(2, 2)]),
    ...bytesField(13, [...zigzag(n), ...zigzag(n)]),
    ...created(15),
  ]);
  return Uint8Array.from([
    ...family('visits_total', 'Visits.', 0, [...label('path', '/é'), ...counter], 'visits'),
    ...family('warmth', 'How warm.', 1, bytesField(2, doubleField(1, n / 3))),
    ...family('latency_seconds', 'Waiting.', 4, histogram, 'seconds'),
  ]);
}
