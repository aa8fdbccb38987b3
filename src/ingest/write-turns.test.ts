// Writes that meet: so many bytes in one turn of the event loop, and tenants take turns.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WRITE_SLICE_BYTES } from './limits.ts';
import { WriteTurns } from './write-turns.ts';

const HALF = WRITE_SLICE_BYTES / 2;

class Bench {
  readonly order: string[] = [];
  readonly #tasks: (() => void)[] = [];
  readonly turns = new WriteTurns((task) => this.#tasks.push(task));

  write(tenant: string, sizeBytes: number, weight = 1): void {
    const turn = this.turns.enter({ tenant, sizeBytes, weight });
    if (turn === undefined) this.order.push(tenant);
    else void turn.then(() => this.order.push(tenant));
  }

  /** The next turn of the event loop; how many tasks it had. */
  async turn(): Promise<number> {
    const tasks = this.#tasks.splice(0);
    for (const task of tasks) task();
    for (let i = 0; i < 5; i++) await Promise.resolve();
    return tasks.length;
  }
}

test('a write that meets no other goes at once, and so does the next one later', async () => {
  const bench = new Bench();
  bench.write('a', 10 * WRITE_SLICE_BYTES);
  assert.deepEqual(bench.order, ['a']);
  assert.equal(await bench.turn(), 1);
  bench.write('a', 1);
  assert.deepEqual(bench.order, ['a', 'a']);
  await bench.turn();
  assert.equal(await bench.turn(), 0);
});

test('the quiet one waits for one turn of the loud one, not for all that it sent before', async () => {
  const bench = new Bench();
  for (let i = 0; i < 20; i++) bench.write('loud', HALF);
  bench.write('quiet', 100);
  assert.deepEqual(bench.order, ['loud', 'loud']);
  assert.equal(bench.turns.waiting, 19);
  await bench.turn();
  assert.ok(bench.order.includes('quiet'), bench.order.join(' '));
  assert.ok(bench.order.length <= 5);
  for (let i = 0; i < 20; i++) await bench.turn();
  assert.equal(bench.order.length, 21);
  assert.equal(bench.turns.waiting, 0);
});

test('what comes while others wait joins the line: nobody overtakes his own', async () => {
  const bench = new Bench();
  for (let i = 0; i < 4; i++) bench.write('a', HALF);
  await bench.turn();
  bench.write('a', 1);
  bench.write('b', HALF);
  assert.equal(bench.turns.waiting, 2);
  await bench.turn();
  assert.deepEqual(bench.order, ['a', 'a', 'a', 'a', 'a', 'b']);
});
