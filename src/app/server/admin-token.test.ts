// The last token that can administer a running server: its end is told before, and when it has come
// another token is in the file.
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { MemoryCatalog } from '../../../test/contract/memory-planes.ts';
import { seededPrng } from '../../stdx/prng.ts';
import { SERVER_ACTOR } from '../../tenancy/audit.ts';
import { TenancyStore } from '../../tenancy/tenancy-store.ts';
import { watchAdminToken } from './admin-token.ts';

const DAY_MS = 86_400_000;

test('the end of the last admin is told, and another token follows it', async () => {
  const data = await mkdtemp(join(tmpdir(), 'orrery-admin-'));
  let nowMs = Date.UTC(2026, 0, 1);
  const clock = { nowMs: () => nowMs, monotonicMs: () => nowMs };
  const due: { readonly task: () => void; readonly delayMs: number }[] = [];
  const scheduler = {
    after: (delayMs: number, task: () => void) => (due.push({ delayMs, task }), () => due.pop()),
    sleep: async () => undefined,
    yieldTurn: async () => undefined,
  };
  const told: string[] = [];
  const say = (text: string) => void told.push(text);
  const logger = { debug: say, info: say, warn: say, error: say };
  const store = await TenancyStore.open({ catalog: new MemoryCatalog(), clock });
  const draft = { hash: '', name: 'root', scope: 'server', tenants: ['default'] } as const;
  const rest = { labels: {}, matchers: [], application: '', limits: {} };
  const permissions = ['admin'] as const;
  const expiresMs = nowMs + 8 * DAY_MS;
  await store.createToken({ id: 'root', ...draft, ...rest, permissions, expiresMs }, SERVER_ACTOR);
  const made = Promise.withResolvers<string>();
  store.onChange(({ id }) => made.resolve(id));
  const stop = watchAdminToken({ data, store, clock, scheduler, prng: seededPrng(1), logger });
  const pass = (ms: number): void => {
    nowMs += ms;
    due.pop()!.task();
  };
  assert.deepEqual(told, []);
  pass(2 * DAY_MS);
  assert.deepEqual(told, ['the last token that can administer the server expires soon']);
  pass(6 * DAY_MS - 60_000);
  assert.equal(due.at(-1)!.delayMs, 60_000, 'it is looked at when it ends');
  pass(60_000);
  const id = await made.promise;
  assert.equal(store.token(id)?.scope, 'server');
  assert.ok((await readFile(`${data}/admin-token`, 'utf8')).startsWith(`orr_${id}_`));
  stop();
  assert.equal(due.length, 0);
  await rm(data, { recursive: true });
});
