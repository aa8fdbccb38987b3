// What a process, or one of its threads, counts of the writes that it took.
import type { WriteReport } from '../../ingest/ingest.ts';
import type { MetricsRegistry } from '../../telemetry/registry.ts';

export function writeCounter(registry: MetricsRegistry): (report: WriteReport) => void {
  const counter = (name: string, help: string, labelNames = ['protocol']) =>
    registry.counter({ name, help, labelNames });
  const samples = counter('orrery_ingest_samples_total', 'Samples accepted, by protocol.');
  const batches = counter('orrery_ingest_batches_total', 'Writes finished, by protocol.');
  const bytes = counter('orrery_ingest_bytes_total', 'Decoded bytes of writes, by protocol.');
  const refused = counter('orrery_ingest_refused_rows_total', 'Rows refused, by protocol.');
  const byReason = counter(
    'orrery_ingest_rows_refused_total',
    'Rows refused, by protocol, tenant and reason: malformed, label-limits, series-limit, ' +
      'relabelling, time-range.',
    ['protocol', 'tenant', 'reason'],
  );
  const dropped = counter(
    'orrery_ingest_samples_dropped_total',
    'Samples that relabelling rules dropped, by protocol and tenant.',
    ['protocol', 'tenant'],
  );
  return (report) => {
    const { protocol, tenant, pointCount, errorCount, sizeBytes, droppedCount } = report;
    samples.labels(protocol).add(pointCount);
    batches.labels(protocol).add(1);
    bytes.labels(protocol).add(sizeBytes);
    refused.labels(protocol).add(errorCount);
    for (const [reason, count] of report.refused)
      byReason.labels(protocol, tenant, reason).add(count);
    if (droppedCount > 0) dropped.labels(protocol, tenant).add(droppedCount);
  };
}
