// Places and lines: heavy queries never hold all places, and are not starved either.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Admission } from './admission.ts';
import type { Lane, Place } from './admission.ts';
import { QUERY_OVERTAKES_MAX, QUERY_QUEUE_MAX } from './limits.ts';

const never = new AbortController().signal;

/** Names of the queries that were let in, in that order, with their places. */
class Door {
  readonly admission: Admission;
  readonly inside = new Map<string, Place>();
  readonly order: string[] = [];

  constructor(places: number, heavyPlaces: number) {
    this.admission = new Admission({ places, heavyPlaces });
  }

  async ask(lane: Lane, name: string, signal = never): Promise<void> {
    this.#enter(lane, name, signal).catch(() => undefined);
    await this.settle();
  }

  async #enter(lane: Lane, name: string, signal: AbortSignal): Promise<void> {
    this.inside.set(name, await this.admission.enter(lane, signal));
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
  await door.ask('light', 'gone', impatient.signal);
  impatient.abort(new Error('gone'));
  await door.ask('light', 'next');
  await door.leave('running');
  assert.deepEqual(door.order, ['running', 'next']);
  for (let i = 0; i < QUERY_QUEUE_MAX; i++) void door.admission.enter('light', never);
  await assert.rejects(door.admission.enter('heavy', never), {
    code: 'query-queue',
    kind: 'unavailable',
    retryAfterSec: 1,
  });
});
