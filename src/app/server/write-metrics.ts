// What a process, or one of its threads, counts of the writes that it took.
import type { WriteReport } from '../../ingest/ingest.ts';
import type { MetricsRegistry } from '../../telemetry/registry.ts';

export function writeCounter(registry: MetricsRegistry): (report: WriteReport) => void {
  const labelNames = ['protocol'];
  const counter = (name: string, help: string) => registry.counter({ name, help, labelNames });
  const samples = counter('orrery_ingest_samples_total', 'Samples accepted, by protocol.');
  const batches = counter('orrery_ingest_batches_total', 'Writes finished, by protocol.');
  const bytes = counter('orrery_ingest_bytes_total', 'Decoded bytes of writes, by protocol.');
  const refused = counter('orrery_ingest_refused_rows_total', 'Rows refused, by protocol.');
  return ({ protocol, pointCount, errorCount, sizeBytes }) => {
    samples.labels(protocol).add(pointCount);
    batches.labels(protocol).add(1);
    bytes.labels(protocol).add(sizeBytes);
    refused.labels(protocol).add(errorCount);
  };
}
