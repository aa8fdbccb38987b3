// What a listener for lines counts of itself. Points, bytes and refused rows are counted by the
// ingest.
import type { Counter, Gauge, MetricsRegistry } from '../../telemetry/registry.ts';

export interface LineMetrics {
  readonly connections: Gauge;
  readonly pauses: Counter;
  readonly datagrams: Counter;
  readonly droppedDatagrams: Counter;
  /** By reason. */
  lost(reason: LostReason): Counter;
}

export type LostReason = 'too long' | 'unfinished' | 'not writable' | 'not authenticated';

export function lineMetrics(registry: MetricsRegistry): (protocol: string) => LineMetrics {
  const labelNames = ['protocol'];
  const connections = registry.gauge({
    name: 'orrery_line_connections',
    help: 'Open connections of listeners for lines.',
    labelNames,
  });
  const counter = (name: string, help: string, more: readonly string[] = []) =>
    registry.counter({ name, help, labelNames: [...labelNames, ...more] });
  const pauses = counter(
    'orrery_line_pauses_total',
    'Times that a connection was not read on because its writes took longer.',
  );
  const datagrams = counter('orrery_datagrams_total', 'Datagrams received.');
  const dropped = counter(
    'orrery_datagrams_dropped_total',
    'Datagrams thrown away because writes took longer.',
  );
  const lost = counter(
    'orrery_lines_lost_total',
    'Lines that reached no parser, by reason: too long, unfinished when their connection ended, ' +
      'not writable, or not authenticated.',
    ['reason'],
  );
  return (protocol) => ({
    connections: connections.labels(protocol),
    pauses: pauses.labels(protocol),
    datagrams: datagrams.labels(protocol),
    droppedDatagrams: dropped.labels(protocol),
    lost: (reason) => lost.labels(protocol, reason),
  });
}
