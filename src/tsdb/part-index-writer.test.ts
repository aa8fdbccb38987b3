// The index of a part is written in steps, and new series come to the index it is made of between
// two of them: what is written is what was there at first.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ByteWriter } from '../codec/varint.ts';
import { PartIndexWriter } from './part-index-writer.ts';
import { TimeColumnsWriter } from './part-times.ts';
import { Symbols } from './symbols.ts';

const SERIES = 600;

function written(between: (symbols: Symbols) => void): Buffer {
  const symbols = new Symbols(0);
  const rows = Array.from({ length: SERIES }, (_, i) =>
    ['__name__', 'm', 'host', `h${i}`, 'rack', `r${i % 7}`].map((text) => symbols.intern(text)),
  );
  const index = new PartIndexWriter({
    symbols,
    symbolsOf: (ref, out) => {
      for (const [i, symbol] of rows[ref]!.entries()) out[i] = symbol;
      return rows[ref]!.length;
    },
  });
  const times = new TimeColumnsWriter();
  for (let ref = 0; ref < SERIES; ref++) {
    index.addSeries(ref, 1);
    const place = { kind: 0, times: times.add(Float64Array.of(1, 2), 2), sizeBytes: 9, sibling: 0 };
    index.addBlock(place, { firstUs: 1, lastUs: 2 });
    if (index.isGroupFull) index.closeGroup(0);
  }
  index.closeGroup(0);
  times.closeBatch(0);
  const out = new ByteWriter();
  const sink = {
    get offset() {
      return out.size;
    },
    append: (bytes: Uint8Array) => out.raw(bytes),
  };
  const steps = index.write(sink, times);
  for (let step = steps.next(); step.done !== true; step = steps.next()) between(symbols);
  return Buffer.from(out.take());
}

test('texts that come between two steps change nothing', () => {
  let count = 0;
  const busy = written((symbols) => {
    // The memory of texts grows, and the one before is given back at once.
    for (let i = 0; i < 200; i++) symbols.intern(`another text, number ${count++}`);
  });
  assert.ok(count > 0);
  assert.deepEqual(
    busy,
    written(() => undefined),
  );
});
