// Writes of lines that cannot be taken at once: who waits for whom, and who sends after a wait.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Ingest } from '../../ingest/ingest.ts';
import { RefusedLines } from '../../ingest/refused-lines.ts';
import { AppError } from '../../model/errors.ts';
import { openPrincipal } from '../../model/tenant.ts';
import type { Principal } from '../../model/tenant.ts';
import { silentLogger } from '../../telemetry/logger.ts';
import { MetricsRegistry } from '../../telemetry/registry.ts';
import { lineMetrics } from './line-metrics.ts';
import { writeLines } from './write-lines.ts';

const clock = { nowMs: () => 0, monotonicMs: () => 0 };
const LIMITED = new AppError('limited', 'samples-per-second', 'too many', { retryable: true });
const BUSY = new AppError('unavailable', 'ingest-busy', 'busy', { retryable: true });
const REVOKED = new AppError('unauthenticated', 'token-revoked', 'the token was revoked');

/** Refuses once with `refusal`; the principals that wrote, and what came of it. */
async function written(refusal: AppError, isOne: boolean, sender: () => Principal) {
  const wrote: string[] = [];
  let waitCount = 0;
  const ingest = {
    write: async ({ tokenId }: Principal) => {
      if (waitCount === 0) throw refusal;
      wrote.push(tokenId);
      return { scan: { errorCount: 0, errors: [] } };
    },
  } as unknown as Ingest;
  const registry = new MetricsRegistry();
  const scheduler = {
    after: () => () => undefined,
    sleep: async () => void waitCount++,
    yieldTurn: async () => undefined,
  };
  const deps = {
    ingest,
    refusedLines: new RefusedLines(clock),
    scheduler,
    logger: silentLogger,
    onFatal: () => assert.fail('nothing is fatal'),
  };
  const metrics = lineMetrics(registry)('graphite');
  const { signal } = new AbortController();
  const source = { protocol: 'graphite', peer: 'p', isOne, metrics, signal };
  const result = await writeLines(deps, source, openPrincipal('t'), {
    protocol: 'graphite',
    profileKey: '',
    body: Buffer.from('a 1\nb 2\n'),
    end: 8,
    sender,
    scan: () => assert.fail('the ingest is not the real one'),
  });
  const lostCount = /^orrery_lines_lost_total\{.*reason="not writable"\} (\d+)/m.exec(
    registry.render(),
  );
  return {
    code: result instanceof AppError ? result.code : 'written',
    wrote,
    waitCount,
    lost: Number(lostCount?.[1] ?? 0),
  };
}

const later = (): Principal => ({ ...openPrincipal('t'), tokenId: 'later' });

test('one connection waits for its limit, and is asked again who it is', async () => {
  for (const refusal of [LIMITED, BUSY])
    assert.deepEqual(await written(refusal, true, later), {
      code: 'written',
      wrote: ['later'],
      waitCount: 1,
      lost: 0,
    });
});

test('a token that was revoked meanwhile loses the lines that waited', async () => {
  const revoked = (): Principal => {
    throw REVOKED;
  };
  const { code, wrote, lost } = await written(BUSY, true, revoked);
  assert.deepEqual([code, wrote, lost], ['token-revoked', [], 2]);
});

test('datagrams of others do not wait for the limit of one, but for the server', async () => {
  const { code, waitCount, lost } = await written(LIMITED, false, later);
  assert.deepEqual([code, waitCount, lost], ['samples-per-second', 0, 2]);
  assert.equal((await written(BUSY, false, later)).code, 'written');
});
