// A body of line protocol as the ingest service gets it.
import { scanLineProtocol } from '../../src/formats/influx/line-protocol.ts';
import type { WriteRequest } from '../../src/ingest/ingest.ts';
import type { ScanResult } from '../../src/model/rows.ts';

/** Timestamps are microseconds. */
export function lineRequest(text: string): WriteRequest<ScanResult> {
  const body = new TextEncoder().encode(text);
  const options = { precision: 'us', defaultTimeUs: 0, mapping: [] } as const;
  return {
    protocol: 'influx',
    profileKey: '',
    durability: 'sync',
    batchId: undefined,
    sizeBytes: body.length,
    scan: (dictionary, sink) => scanLineProtocol(body, body.length, options, dictionary, sink),
  };
}
