// Writes that meet: so many bytes in one turn of the event loop, and tenants take turns.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  NEW_ROWS_PER_LOOK,
  NEW_ROWS_TURN_MS,
  REREAD_TURN_FACTOR,
  SCANS_MAX,
  WRITE_SLICE_BYTES,
} from './limits.ts';
import { TurnOver, WriteTurns } from './write-turns.ts';

const HALF = WRITE_SLICE_BYTES / 2;

class Bench {
  readonly order: string[] = [];
  readonly #tasks: (() => void)[] = [];
  readonly turns = new WriteTurns((task) => this.#tasks.push(task), {
    monotonicMs: () => this.nowMs,
  });
  nowMs = 0;

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

test('a scan that goes on comes in another turn, behind those that wait', async () => {
  const bench = new Bench();
  bench.write('a', 1);
  void bench.turns
    .again({ tenant: 'a', sizeBytes: 1, weight: 1 })
    .then(() => bench.order.push('A'));
  bench.write('b', 1);
  await Promise.resolve();
  assert.deepEqual(bench.order, ['a']);
  await bench.turn();
  assert.deepEqual(bench.order, ['a', 'b', 'A']);
  // Nothing runs that would open the next turn.
  await bench.turn();
  await bench.turn();
  void bench.turns
    .again({ tenant: 'a', sizeBytes: 1, weight: 1 })
    .then(() => bench.order.push('A'));
  assert.equal(await bench.turn(), 1);
  assert.deepEqual(bench.order, ['a', 'b', 'A', 'A']);
});

/** New rows, one each millisecond, until the turn is over. */
function rowsOfTurn(
  bench: Bench,
  turns: ReturnType<WriteTurns['scanTurns']>,
  most: number,
): number {
  for (let row = 0; row < most; row++) {
    try {
      turns.takeNewRow();
    } catch (error) {
      assert.ok(error instanceof TurnOver);
      return row;
    }
    bench.nowMs += 1;
  }
  return most;
}

test('new rows have a turn of their own length, or some times what the known ones took', () => {
  const bench = new Bench();
  const turns = bench.turns.scanTurns();
  const rowsIn = (durationMs: number): number =>
    Math.ceil((durationMs + 1) / NEW_ROWS_PER_LOOK) * NEW_ROWS_PER_LOOK;
  turns.begin();
  assert.equal(rowsOfTurn(bench, turns, 10_000), rowsIn(NEW_ROWS_TURN_MS));
  turns.begin();
  bench.nowMs += 500;
  assert.equal(rowsOfTurn(bench, turns, 10_000), rowsIn(500 * REREAD_TURN_FACTOR));
});

test('the last scan that a body may have goes to its end', () => {
  const bench = new Bench();
  const turns = bench.turns.scanTurns();
  for (let scan = 1; scan < SCANS_MAX; scan++) {
    turns.begin();
    assert.ok(rowsOfTurn(bench, turns, 1000) < 1000);
  }
  turns.begin();
  assert.equal(rowsOfTurn(bench, turns, 1000), 1000);
});
