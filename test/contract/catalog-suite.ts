// The meaning of src/catalog/catalog.ts, run on every driver.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Catalog, type CatalogTx, prefixEnd } from '../../src/catalog/catalog.ts';
import {
  CATALOG_KEY_MAX_BYTES,
  CATALOG_RANGE_MAX,
  CATALOG_TRANSACTION_MAX_BYTES,
  CATALOG_VALUE_MAX_BYTES,
} from '../../src/catalog/limits.ts';
import { AppError } from '../../src/model/errors.ts';
import { BugError } from '../../src/stdx/assert.ts';
import { randomInt, seededPrng } from '../../src/stdx/prng.ts';

export interface CatalogHarness {
  /** Opens the same catalog again; the former one must be closed. */
  open(): Promise<Catalog>;
  /** A path that `backup` may write, and a catalog opened on what it wrote. */
  readonly backupPath: string;
  openBackup(): Promise<Catalog>;
}

export interface CatalogDriver {
  readonly name: string;
  run(body: (harness: CatalogHarness) => Promise<void>): Promise<void>;
}

const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const untext = (value: Uint8Array | undefined): string | undefined =>
  value === undefined ? undefined : new TextDecoder().decode(value);

async function keysOf(tx: CatalogTx, begin: string, end: string): Promise<readonly string[]> {
  return (await tx.range(begin, end)).map((entry) => entry.key);
}

async function contents(catalog: Catalog): Promise<readonly (readonly [string, string, number])[]> {
  const { result } = await catalog.transact((tx) => tx.range('', prefixEnd('')));
  return result.map(({ key, value, version }) => [key, untext(value) ?? '', version] as const);
}

const CASES: Readonly<Record<string, (harness: CatalogHarness) => Promise<void>>> = {
  'versions count the transactions that wrote': async (harness) => {
    let catalog = await harness.open();
    const read = await catalog.transact((tx) => tx.get('a'));
    assert.deepEqual(read, { result: undefined, version: 0 });
    const first = await catalog.transact(async (tx) => {
      tx.set('a', text('1'));
      tx.set('b', text('2'));
      return 'done';
    });
    assert.deepEqual(first, { result: 'done', version: 1 });
    const second = await catalog.transact(async (tx) => {
      tx.set('b', text('3'));
      tx.remove('nothing');
    });
    assert.equal(second.version, 2);
    const idle = await catalog.transact(async () => undefined);
    assert.equal(idle.version, 2);
    await catalog.close();
    catalog = await harness.open();
    assert.deepEqual(await contents(catalog), [
      ['a', '1', 1],
      ['b', '3', 2],
    ]);
    await catalog.close();
  },

  'a transaction reads its own writes': async (harness) => {
    const catalog = await harness.open();
    await catalog.transact(async (tx) => {
      for (const key of ['a', 'b', 'c', 'd']) tx.set(key, text(key));
    });
    await catalog.transact(async (tx) => {
      tx.set('b', text('new'));
      assert.equal(untext((await tx.get('b'))?.value), 'new');
      assert.equal((await tx.get('b'))?.version, 2);
      assert.equal((await tx.get('a'))?.version, 1);
      tx.removeRange('b', 'd');
      tx.set('ca', text('x'));
      assert.deepEqual(await keysOf(tx, 'a', 'z'), ['a', 'ca', 'd']);
      tx.remove('a');
      const [a, ca, all] = await Promise.all([tx.get('a'), tx.get('ca'), keysOf(tx, '', 'z')]);
      assert.equal(a, undefined);
      assert.equal(untext(ca?.value), 'x');
      assert.deepEqual(all, ['ca', 'd']);
    });
    assert.deepEqual(
      (await contents(catalog)).map(([key]) => key),
      ['ca', 'd'],
    );
    await catalog.close();
  },

  'a failed transaction writes nothing and the next one runs': async (harness) => {
    const catalog = await harness.open();
    await assert.rejects(
      catalog.transact(async (tx) => {
        tx.set('a', text('1'));
        await tx.get('a');
        throw new Error('changed my mind');
      }),
      /changed my mind/,
    );
    await assert.rejects(
      catalog.transact(async (tx) => {
        tx.set('a', text('1'));
        throw new Error('at once');
      }),
      /at once/,
    );
    assert.deepEqual(await contents(catalog), []);
    assert.equal((await catalog.transact(async () => undefined)).version, 0);
    await catalog.close();
  },

  'ranges: bounds, limits, reverse, order of bytes': async (harness) => {
    const catalog = await harness.open();
    const keys = ['a', 'a/', 'a/1', 'a/é', 'a/\u{ffee}', 'a/\u{1f600}', 'a0', 'b'];
    const byBytes = keys.toSorted((x, y) => Buffer.compare(Buffer.from(x), Buffer.from(y)));
    await catalog.transact(async (tx) => {
      for (const key of keys.toReversed()) tx.set(key, text(key));
    });
    await catalog.transact(async (tx) => {
      assert.deepEqual(await keysOf(tx, '', prefixEnd('')), byBytes);
      assert.deepEqual(await keysOf(tx, 'a/', prefixEnd('a/')), byBytes.slice(1, 6));
      assert.deepEqual(await keysOf(tx, 'a', 'a'), []);
      assert.deepEqual(await keysOf(tx, 'b', 'a'), []);
      assert.deepEqual(await keysOf(tx, 'a', 'b'), byBytes.slice(0, -1));
      const last = await tx.range('', 'b', { limit: 2, reverse: true });
      assert.deepEqual(
        last.map((entry) => entry.key),
        [byBytes.at(-2), byBytes.at(-3)],
      );
      assert.deepEqual(await tx.range('', 'z', { limit: 0 }), []);
    });
    await catalog.close();
  },

  'transactions side by side are serializable': async (harness) => {
    const catalog = await harness.open();
    const increment = async (tx: CatalogTx): Promise<number> => {
      const count = Number(untext((await tx.get('n'))?.value) ?? '0');
      await tx.range('', 'z');
      tx.set('n', text(String(count + 1)));
      return count;
    };
    const runs = Array.from({ length: 20 }, () => catalog.transact(increment));
    const results = (await Promise.all(runs)).map(({ result }) => result);
    assert.deepEqual(
      results.toSorted((a, b) => a - b),
      Array.from({ length: 20 }, (_, i) => i),
    );
    assert.deepEqual(await contents(catalog), [['n', '20', 20]]);
    await catalog.close();
  },

  'values are copied in both directions': async (harness) => {
    const catalog = await harness.open();
    const arena = text('0123456789');
    await catalog.transact(async (tx) => {
      const value = arena.subarray(2, 5);
      tx.set('a', value);
      value.fill(0);
      const got = await tx.get('a');
      assert.equal(untext(got?.value), '234');
      got?.value.fill(0);
    });
    assert.deepEqual(await contents(catalog), [['a', '234', 1]]);
    await catalog.transact(async (tx) => {
      tx.set('empty', new Uint8Array(0));
    });
    assert.equal((await contents(catalog)).at(-1)?.[1], '');
    await catalog.close();
  },

  'limits are the same everywhere': async (harness) => {
    const catalog = await harness.open();
    const tooLarge = (error: unknown): boolean =>
      error instanceof AppError && error.kind === 'tooLarge' && error.code === 'catalog-limit';
    const full = new Uint8Array(CATALOG_VALUE_MAX_BYTES).fill(7);
    const longKey = 'é'.repeat(CATALOG_KEY_MAX_BYTES / 2);
    await catalog.transact(async (tx) => {
      tx.set(longKey, full);
      assert.throws(() => tx.set(`${longKey}x`, full), tooLarge);
      assert.throws(() => tx.set('x', new Uint8Array(full.length + 1)), tooLarge);
      assert.throws(() => tx.set('', full), BugError);
      assert.throws(() => tx.set('\ud800', full), BugError);
      await assert.rejects(
        async () => tx.range('', 'z', { limit: CATALOG_RANGE_MAX + 1 }),
        BugError,
      );
    });
    const { result } = await catalog.transact((tx) => tx.get(longKey));
    assert.deepEqual(result?.value, full);
    const tooMuch = catalog.transact(async (tx) => {
      const half = new Uint8Array(CATALOG_VALUE_MAX_BYTES / 2);
      const count = (2 * CATALOG_TRANSACTION_MAX_BYTES) / CATALOG_VALUE_MAX_BYTES;
      for (let i = 0; i <= count; i++) tx.set(`k${i}`, half);
    });
    await assert.rejects(tooMuch, tooLarge);
    await catalog.close();
  },

  'a transaction is over when its function has returned': async (harness) => {
    const catalog = await harness.open();
    const leaked: CatalogTx[] = [];
    await catalog.transact(async (tx) => {
      leaked.push(tx);
    });
    const late = leaked[0];
    assert.ok(late);
    assert.throws(() => late.set('a', text('1')), BugError);
    await assert.rejects(async () => late.get('a'), BugError);
    await catalog.close();
  },

  'backup is a consistent copy, the catalog stays usable': async (harness) => {
    const catalog = await harness.open();
    for (let i = 0; i < 5; i++) {
      await catalog.transact(async (tx) => {
        tx.set(`k${i}`, text(String(i)));
      });
    }
    const before = await contents(catalog);
    const [, after] = await Promise.all([
      catalog.backup(harness.backupPath),
      catalog.transact(async (tx) => {
        tx.set('later', text('x'));
      }),
    ]);
    assert.equal(after.version, 6);
    await catalog.checkpoint();
    await catalog.close();
    const copy = await harness.openBackup();
    assert.deepEqual(await contents(copy), before);
    await copy.close();
  },

  'random transactions equal a plain map': async (harness) => {
    const prng = seededPrng(7);
    const model = new Map<string, string>();
    let catalog = await harness.open();
    const key = (): string => `k${randomInt(prng, 12).toString().padStart(2, '0')}`;
    for (let round = 0; round < 60; round++) {
      const abort = randomInt(prng, 4) === 0;
      const next = new Map(model);
      const run = catalog.transact(async (tx) => {
        for (let i = randomInt(prng, 5); i > 0; i--) {
          const [at, other] = [key(), key()];
          const choice = randomInt(prng, 4);
          if (choice === 0) {
            tx.remove(at);
            next.delete(at);
          } else if (choice === 1) {
            tx.removeRange(at, other);
            for (const k of next.keys()) if (k >= at && k < other) next.delete(k);
          } else {
            tx.set(at, text(`${round}.${i}`));
            next.set(at, `${round}.${i}`);
          }
          if (choice === 3) assert.equal(untext((await tx.get(at))?.value), next.get(at));
        }
        if (abort) throw new Error('abort');
      });
      if (abort) await assert.rejects(run, /abort/);
      else {
        await run;
        model.clear();
        for (const [k, v] of next) model.set(k, v);
      }
      if (randomInt(prng, 10) === 0) {
        await catalog.close();
        catalog = await harness.open();
      }
      assert.deepEqual(
        (await contents(catalog)).map(([k, v]) => [k, v]),
        [...model].toSorted(([a], [b]) => (a < b ? -1 : 1)),
      );
    }
    await catalog.close();
  },
};

export function catalogSuite(driver: CatalogDriver): void {
  describe(`catalog contract on ${driver.name}`, () => {
    for (const [name, body] of Object.entries(CASES)) {
      test(name, () => driver.run(body));
    }
  });
}
