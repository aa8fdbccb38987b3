// The meaning of src/log/log.ts, run on every driver and every `Files`. A harness runs a body to
// its end (the simulator pumps virtual time meanwhile) and opens the same log again.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { RECORD_SIZE_MAX_BYTES } from '../../src/log/limits.ts';
import type { Log } from '../../src/log/log.ts';
import { AppError } from '../../src/model/errors.ts';

export interface LogHarness {
  /** Opens the log of this harness; the former one must be closed. */
  open(): Promise<Log>;
  /** A folder that does not exist yet, and a log opened on it. */
  readonly emptyDirectory: string;
  openEmpty(): Promise<Log>;
}

export interface LogDriver {
  readonly name: string;
  /** Small segments, so that a few records fill one. */
  readonly segmentSizeBytes: number;
  /** Runs `body` on a fresh log folder. */
  run(body: (harness: LogHarness) => Promise<void>): Promise<void>;
}

/** Bytes that tell which record they are and differ in every position. */
export function recordBytes(tag: number, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (tag * 31 + i * 7 + (i >>> 8)) & 255);
}

export async function readAll(log: Log, from = 0): Promise<Map<number, Uint8Array>> {
  const found = new Map<number, Uint8Array>();
  let before = -1;
  for await (const record of log.read(from)) {
    assert.ok(record.offset > before, 'records come in order');
    before = record.offset;
    found.set(record.offset, record.bytes.slice());
  }
  return found;
}

async function checkHolds(log: Log, expected: ReadonlyMap<number, Uint8Array>): Promise<void> {
  assert.deepEqual(await readAll(log), expected);
}

const LENGTHS = [0, 1, 7, 8, 9, 100, 511, 2000, 5000];

type LogTest = (harness: LogHarness, driver: LogDriver) => Promise<void>;

const CASES: Readonly<Record<string, LogTest>> = {
  'an empty log': async (harness) => {
    const log = await harness.open();
    assert.equal(log.startOffset, 0);
    assert.equal(log.endOffset, 0);
    assert.equal(log.durableOffset, 0);
    assert.deepEqual(log.damage, []);
    await checkHolds(log, new Map());
    await log.sync();
    await log.close();
    await log.close();
  },

  'an empty log that goes on at an offset': async (harness) => {
    const log = await harness.open();
    log.append(recordBytes(1, 100));
    await log.writeEmpty(harness.emptyDirectory, 1234);
    for (let life = 0; life < 2; life++) {
      const other = await harness.openEmpty();
      assert.equal(other.startOffset, 1234);
      assert.equal(other.endOffset, 1234 + life);
      assert.deepEqual(other.damage, []);
      assert.equal(other.append(recordBytes(life, 10)).offset, 1234 + life);
      await other.sync();
      await other.close();
    }
    assert.equal(log.endOffset, 1);
    await log.close();
  },

  'offsets are dense, records read back, also after a restart': async (harness) => {
    const expected = new Map<number, Uint8Array>();
    for (let life = 0; life < 3; life++) {
      const log = await harness.open();
      await checkHolds(log, expected);
      for (const length of LENGTHS) {
        const bytes = recordBytes(expected.size, length);
        const appended = log.append(bytes);
        assert.equal(appended.offset, expected.size);
        expected.set(appended.offset, bytes.slice());
        bytes.fill(0);
      }
      await log.sync();
      assert.equal(log.durableOffset, log.endOffset);
      await checkHolds(log, expected);
      await log.close();
    }
  },

  'durable resolves in the order of offsets': async (harness) => {
    const log = await harness.open();
    const order: number[] = [];
    const waits: Promise<void>[] = [];
    const note = async (offset: number, durable: Promise<void>): Promise<void> => {
      await durable;
      assert.ok(log.durableOffset > offset);
      order.push(offset);
    };
    for (let i = 0; i < 40; i++) {
      const { offset, durable } = log.append(recordBytes(i, 300));
      waits.push(note(offset, durable));
      if (i % 7 === 0) await durable;
    }
    await Promise.all(waits);
    assert.deepEqual(
      order,
      order.toSorted((a, b) => a - b),
    );
    assert.equal(order.length, 40);
    await log.close();
  },

  'a record appended when a sync has just ended is synced too': async (harness) => {
    const log = await harness.open();
    for (let i = 0; i < 20; i++) {
      await log.append(recordBytes(i, 10)).durable;
      for (let k = 0; k < i; k++) await Promise.resolve();
    }
    assert.equal(log.durableOffset, 20);
    await log.close();
  },

  'reading starts where asked and may run beside appends': async (harness) => {
    const log = await harness.open();
    for (let i = 0; i < 30; i++) log.append(recordBytes(i, 900));
    await log.sync();
    assert.deepEqual(
      [...(await readAll(log, 17)).keys()],
      Array.from({ length: 13 }, (_, i) => 17 + i),
    );
    assert.equal((await readAll(log, 30)).size, 0);
    const seen: number[] = [];
    for await (const record of log.read(25)) {
      seen.push(record.offset);
      assert.deepEqual(record.bytes, recordBytes(record.offset, 900));
      if (log.endOffset < 40) log.append(recordBytes(log.endOffset, 900));
    }
    assert.deepEqual(
      seen,
      Array.from({ length: seen.length }, (_, i) => 25 + i),
    );
    assert.ok(seen.length >= 10);
    await log.close();
  },

  'trim frees whole segments and survives a restart': async (harness, driver) => {
    let log = await harness.open();
    const length = 1000;
    const count = Math.ceil((driver.segmentSizeBytes * 5) / length);
    for (let i = 0; i < count; i++) await log.append(recordBytes(i, length)).durable;
    const sizeBefore = log.sizeBytes;
    const target = Math.floor(count / 2);
    await log.trim(target);
    assert.ok(log.startOffset <= target);
    assert.ok(log.startOffset > 0, 'something was freed');
    assert.ok(log.sizeBytes < sizeBefore);
    const start = log.startOffset;
    await log.trim(0);
    assert.equal(log.startOffset, start);
    await log.close();
    log = await harness.open();
    assert.equal(log.startOffset, start);
    assert.equal(log.endOffset, count);
    const left = await readAll(log);
    assert.equal(left.size, count - start);
    for (const [offset, bytes] of left) assert.deepEqual(bytes, recordBytes(offset, length));
    await log.close();
  },

  'trim to the end leaves an empty log that goes on counting': async (harness) => {
    let log = await harness.open();
    for (let i = 0; i < 5; i++) log.append(recordBytes(i, 50));
    await log.sync();
    await log.trim(5);
    assert.equal(log.startOffset, 5);
    await checkHolds(log, new Map());
    await log.close();
    log = await harness.open();
    assert.equal(log.startOffset, 5);
    assert.equal(log.append(recordBytes(5, 50)).offset, 5);
    await log.sync();
    await checkHolds(log, new Map([[5, recordBytes(5, 50)]]));
    await log.close();
  },

  'trim while a reader is inside what goes away': async (harness, driver) => {
    const log = await harness.open();
    const count = Math.ceil((driver.segmentSizeBytes * 4) / 1000);
    for (let i = 0; i < count; i++) log.append(recordBytes(i, 1000));
    await log.sync();
    const seen: number[] = [];
    for await (const record of log.read(0)) {
      assert.deepEqual(record.bytes, recordBytes(record.offset, 1000));
      seen.push(record.offset);
      if (seen.length === 1) {
        await log.trim(count - 2);
        // Recycled files must not be mistaken for the old ones.
        for (let i = 0; i < 20; i++) log.append(recordBytes(count + i, 1000));
        await log.sync();
      }
    }
    assert.equal(seen.at(-1), count + 19);
    for (let offset = log.startOffset; offset < count + 20; offset++)
      assert.ok(seen.includes(offset));
    await log.close();
  },

  'a record larger than a segment': async (harness, driver) => {
    let log = await harness.open();
    const large = recordBytes(1, driver.segmentSizeBytes * 3 + 5);
    log.append(recordBytes(0, 10));
    log.append(large);
    log.append(recordBytes(2, 10));
    await log.sync();
    const expected = new Map([
      [0, recordBytes(0, 10)],
      [1, large],
      [2, recordBytes(2, 10)],
    ]);
    await checkHolds(log, expected);
    await log.close();
    log = await harness.open();
    await checkHolds(log, expected);
    await log.close();
  },

  'a record over the limit is refused and changes nothing': async (harness) => {
    const log = await harness.open();
    assert.throws(
      () => log.append(new Uint8Array(RECORD_SIZE_MAX_BYTES + 1)),
      (error) => error instanceof AppError && error.code === 'record-too-large',
    );
    assert.equal(log.endOffset, 0);
    await log.close();
  },

  'shrink keeps every record and lets appends go on': async (harness) => {
    let log = await harness.open();
    const expected = new Map<number, Uint8Array>();
    const add = (length: number): void => {
      const bytes = recordBytes(expected.size, length);
      expected.set(log.append(bytes).offset, bytes);
    };
    for (let i = 0; i < 10; i++) add(700);
    const shrunk = log.shrink();
    for (let i = 0; i < 3; i++) add(90);
    await shrunk;
    for (let i = 0; i < 12; i++) add(800);
    await log.sync();
    await log.shrink();
    await log.shrink();
    add(8);
    await log.sync();
    await checkHolds(log, expected);
    await log.close();
    log = await harness.open();
    await checkHolds(log, expected);
    await log.trim(log.endOffset);
    await log.shrink();
    assert.equal(log.startOffset, expected.size);
    await log.close();
  },
};

export function logSuite(driver: LogDriver): void {
  describe(`log contract on ${driver.name}`, () => {
    for (const [name, body] of Object.entries(CASES)) {
      test(name, () => driver.run((harness) => body(harness, driver)));
    }
  });
}
