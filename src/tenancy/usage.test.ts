// What is counted comes to the row of its hour and to the sums since the start, also where the
// hour, the chunk that is open, or the sums of a tenant change between two counts.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryCatalog } from '../../test/contract/memory-planes.ts';
import { HOUR_MS } from './usage-rows.ts';
import { UsageBook } from './usage.ts';

const START_MS = Date.UTC(2026, 0, 1, 12);
const KEY = { tenant: 'a', tokenId: 't', protocol: 'influx' };

/** It commits when it is told to. */
async function openBook(now: { ms: number }): Promise<UsageBook> {
  const clock = { nowMs: () => now.ms, monotonicMs: () => now.ms };
  const scheduler = {
    after: () => () => {},
    sleep: () => Promise.resolve(),
    yieldTurn: () => Promise.resolve(),
  };
  const onError = (error: unknown): never => {
    throw error;
  };
  return await UsageBook.open({ catalog: new MemoryCatalog(), clock, scheduler, onError });
}

/** By hour since the start, tenant and token: points written, and requests. */
async function rowsOf(book: UsageBook): Promise<readonly unknown[]> {
  const rows: unknown[] = [];
  const range = { tenant: undefined, fromMs: 0, toMs: START_MS + 24 * HOUR_MS };
  for await (const { hourMs, tenant, tokenId, values } of book.rows(range)) {
    const hour = (hourMs - START_MS) / HOUR_MS;
    rows.push([`${hour} ${tenant} ${tokenId}`, values.pointsWritten, values.requests]);
  }
  return rows;
}

test('counts of one sender come to their hours, over commits, and others to theirs', async () => {
  const now = { ms: START_MS };
  const book = await openBook(now);
  let offset = 0;
  const write = (writtenMs: number, tokenId: string, count: number): void =>
    book.applied(0, { ...KEY, tokenId, offset: offset++, writtenMs }, count);
  for (let commit = 0; commit < 3; commit++) {
    now.ms = START_MS;
    write(START_MS, 't', 10);
    write(START_MS + HOUR_MS, 't', 1);
    write(START_MS, 'u', 100);
    write(START_MS + HOUR_MS - 1, 't', 10);
    book.countRequests(KEY, 1);
    now.ms += HOUR_MS;
    book.countRequests(KEY, 2);
    await book.keep();
  }
  assert.deepEqual(await rowsOf(book), [
    ['0 a t', 60, 3],
    ['0 a u', 300, undefined],
    ['1 a t', 3, 6],
  ]);
  assert.deepEqual(book.totals('a'), [
    { tokenId: 't', protocol: 'influx', values: { pointsWritten: 63, requests: 9 } },
    { tokenId: 'u', protocol: 'influx', values: { pointsWritten: 300 } },
  ]);
});

test('sums of a tenant that is gone begin anew at once; its rows go on', async () => {
  const book = await openBook({ ms: START_MS });
  book.countRequests(KEY, 5);
  book.forget('a');
  assert.deepEqual(book.totals('a'), []);
  book.countRequests(KEY, 2);
  assert.deepEqual(book.totals('a'), [
    { tokenId: 't', protocol: 'influx', values: { requests: 2 } },
  ]);
  assert.deepEqual(await rowsOf(book), [['0 a t', undefined, 7]]);
});
