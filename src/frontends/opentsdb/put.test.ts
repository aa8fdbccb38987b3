// Writes that go on when their answer is out: `sync_timeout` ends the exchange, and with it the
// memory of its body, but what was sent is still read again where storage asks for it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RowRecorder } from '../../../test/support/row-recorder.ts';
import type { Ingest, WriteRequest } from '../../ingest/ingest.ts';
import type { ScanResult } from '../../model/rows.ts';
import { openDoor, testScheduler } from '../http/testing.ts';
import { opentsdbRoutes } from './routes.ts';

const POINTS = 3000;
const TIMEOUT_MS = 20;

/** Far more than one piece of a socket. */
function bodyOf(metric: string): string {
  const points = Array.from({ length: POINTS }, (_, i) => ({
    metric,
    timestamp: 1_700_000_000,
    value: i,
    tags: { host: `host-${i}`, region: 'a-region-with-a-long-name' },
  }));
  return JSON.stringify(points);
}

test('a write behind its timeout reads what was sent, whoever sends meanwhile', async () => {
  const goOn = Promise.withResolvers<void>();
  const readAgain = Promise.withResolvers<RowRecorder>();
  let requests = 0;
  const write = async (_: unknown, request: WriteRequest<ScanResult>) => {
    const isLate = ++requests === 1;
    const scan = (recorder = new RowRecorder()) => request.scan(recorder, recorder);
    const result = scan();
    if (isLate) {
      await goOn.promise;
      const recorder = new RowRecorder();
      scan(recorder);
      readAgain.resolve(recorder);
    }
    return { scan: result, applied: true, pointCount: result.pointCount };
  };
  const ingest = { write } as unknown as Ingest;
  const door = await openDoor(opentsdbRoutes({ ingest, scheduler: testScheduler }));
  const put = (metric: string, query: string) =>
    fetch(`${door.url}/api/put?${query}`, { method: 'POST', body: bodyOf(metric) });
  try {
    const late = await put('first', `summary&sync_timeout=${TIMEOUT_MS}`);
    assert.deepEqual(await late.json(), { failed: 0, success: 0, timeouts: POINTS });
    const other = await put('other', 'summary');
    assert.deepEqual(await other.json(), { failed: 0, success: POINTS });
    goOn.resolve();
    const { rows } = await readAgain.promise;
    assert.equal(rows.length, POINTS);
    assert.ok(rows.every(({ series }) => series.startsWith('__name__=first,')));
  } finally {
    await door.close();
  }
});
