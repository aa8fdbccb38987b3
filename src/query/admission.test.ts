// Places and lines: heavy queries never hold all places, and are not starved either; tenants take
// turns.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Admission } from './admission.ts';
import type { Lane, Place } from './admission.ts';
import { QUERY_OVERTAKES_MAX, QUERY_QUEUE_MAX } from './limits.ts';

const never = new AbortController().signal;
const T = 't';

/** Names of the queries that were let in, in that order, with their places. */
class Door {
  readonly admission: Admission;
  readonly inside = new Map<string, Place>();
  readonly order: string[] = [];

  constructor(places: number, heavyPlaces: number) {
    this.admission = new Admission({ places, heavyPlaces });
  }

  async ask(lane: Lane, name: string, { signal = never, tenant = 't' } = {}): Promise<void> {
    this.#enter(lane, name, { signal, tenant }).catch(() => undefined);
    await this.settle();
  }

  async #enter(
    lane: Lane,
    name: string,
    { signal, tenant }: { readonly signal: AbortSignal; readonly tenant: string },
  ): Promise<void> {
    this.inside.set(name, await this.admission.enter(lane, tenant, signal));
    this.order.push(name);
  }

  async leave(name: string): Promise<void> {
    this.inside.get(name)!.leave();
    this.inside.delete(name);
    await this.settle();
  }

  async settle(): Promise<void> {
    for (let i = 0; i < 5; i++) await Promise.resolve();
  }
}

test('heavy queries leave places for light ones', async () => {
  const door = new Door(3, 1);
  for (const name of ['h1', 'h2', 'h3']) await door.ask('heavy', name);
  await door.ask('light', 'l1');
  assert.deepEqual(door.order, ['h1', 'l1']);
  assert.equal(door.admission.waiting('heavy'), 2);
  await door.leave('h1');
  assert.deepEqual(door.order, ['h1', 'l1', 'h2']);
});

test('a heavy query is overtaken by so many light ones and no more', async () => {
  const door = new Door(1, 1);
  await door.ask('light', 'first');
  await door.ask('heavy', 'heavy');
  for (let i = 0; i < 8; i++) await door.ask('light', `l${i}`);
  await door.leave('first');
  for (let i = 0; !door.order.includes('heavy'); i++) await door.leave(`l${i}`);
  assert.equal(door.order.indexOf('heavy'), 1 + QUERY_OVERTAKES_MAX);
});

test('a running query that becomes heavy counts as one', async () => {
  const door = new Door(2, 1);
  await door.ask('light', 'l1');
  door.inside.get('l1')!.becomeHeavy();
  door.inside.get('l1')!.becomeHeavy();
  await door.ask('heavy', 'h1');
  assert.deepEqual(door.order, ['l1']);
  await door.leave('l1');
  assert.deepEqual(door.order, ['l1', 'h1']);
  await door.ask('light', 'l2');
  assert.deepEqual(door.order, ['l1', 'h1', 'l2']);
});

test('who gives up leaves the line; a full line refuses', async () => {
  const door = new Door(1, 1);
  await door.ask('light', 'running');
  const impatient = new AbortController();
  await door.ask('light', 'gone', { signal: impatient.signal });
  impatient.abort(new Error('gone'));
  await door.ask('light', 'next');
  await door.leave('running');
  assert.deepEqual(door.order, ['running', 'next']);
  for (let i = 0; i < QUERY_QUEUE_MAX; i++) void door.admission.enter('light', T, never);
  await assert.rejects(door.admission.enter('heavy', T, never), {
    code: 'query-queue',
    kind: 'unavailable',
    retryAfterSec: 1,
  });
});

test('tenants take turns in a line, whoever came first', async () => {
  for (const lane of ['light', 'heavy'] as const) {
    const door = new Door(1, 1);
    await door.ask(lane, 'first', { tenant: 'a' });
    for (const name of ['a1', 'a2', 'a3']) await door.ask(lane, name, { tenant: 'a' });
    for (const name of ['b1', 'b2']) await door.ask(lane, name, { tenant: 'b' });
    await door.ask(lane, 'c1', { tenant: 'c' });
    for (let i = 0; i < 6; i++) await door.leave(door.order.at(-1)!);
    assert.deepEqual(door.order, ['first', 'a1', 'b1', 'c1', 'a2', 'b2', 'a3']);
  }
});

test('a tenant that gave up all it waited for is passed over, and comes back at the end', async () => {
  const door = new Door(1, 1);
  const impatient = new AbortController();
  await door.ask('light', 'first', { tenant: 'a' });
  await door.ask('light', 'b1', { tenant: 'b', signal: impatient.signal });
  await door.ask('light', 'c1', { tenant: 'c' });
  await door.ask('light', 'c2', { tenant: 'c' });
  impatient.abort(new Error('gone'));
  await door.ask('light', 'b2', { tenant: 'b' });
  for (let i = 0; i < 3; i++) await door.leave(door.order.at(-1)!);
  assert.deepEqual(door.order, ['first', 'c1', 'b2', 'c2']);
});

test('where the lines are full, who has most in them makes room', async () => {
  const door = new Door(1, 1);
  await door.ask('light', 'running', { tenant: 'a' });
  const many = Array.from({ length: QUERY_QUEUE_MAX }, (_, i) =>
    door.admission.enter(i % 2 === 0 ? 'light' : 'heavy', 'a', never),
  );
  const refused: number[] = [];
  for (const [i, one] of many.entries()) one.catch(() => refused.push(i));
  await door.ask('light', 'b1', { tenant: 'b' });
  await door.ask('heavy', 'b2', { tenant: 'b' });
  assert.deepEqual(refused, [QUERY_QUEUE_MAX - 2, QUERY_QUEUE_MAX - 1]);
  assert.equal(door.admission.waiting('light') + door.admission.waiting('heavy'), QUERY_QUEUE_MAX);
  await assert.rejects(door.admission.enter('heavy', 'a', never), {
    code: 'query-queue',
    message: `${QUERY_QUEUE_MAX} queries are waiting already, the limit, ${QUERY_QUEUE_MAX - 2} of them of this tenant; try again`,
  });
});
