// Text that is made in parts, and kept, is the text of the whole.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { EvalSeries } from '../promql/engine/result.ts';
import { prometheusJson } from './prometheus-json.ts';
import { SlotTexts } from './slot-texts.ts';
import { evalResult, seriesSlots } from './testing.ts';

const slot = fc.option(fc.oneof(fc.double(), fc.integer()), { nil: undefined });

function text(series: EvalSeries): string {
  const result = evalResult({ type: 'matrix', stepUs: 1e6, series: [series] });
  const pieces = [...prometheusJson(result, { seriesMax: 0 })];
  return pieces.map((piece) => Buffer.from(piece).toString('latin1')).join('');
}

test('kept text, moved and lengthened at both ends, equals text made anew', () => {
  fc.assert(
    fc.property(
      fc.array(slot, { minLength: 1, maxLength: 30 }),
      fc.array(fc.record({ drop: fc.nat(5), before: fc.array(slot), after: fc.array(slot) }), {
        maxLength: 5,
      }),
      (first, changes) => {
        let slots = first;
        let texts = new SlotTexts(undefined, () => undefined);
        let startUs = 100_000_000;
        const check = (): void => {
          const series = seriesSlots(['a', 'b'], slots);
          if (!slots.some((one) => one !== undefined)) return;
          const result = (one: EvalSeries) =>
            evalResult({ type: 'matrix', startUs, stepUs: 1e6, series: [one] });
          const bytes = (one: EvalSeries): string =>
            [...prometheusJson(result(one), { seriesMax: 0 })]
              .map((piece) => Buffer.from(piece).toString('latin1'))
              .join('');
          const withTexts = { ...series, texts };
          assert.equal(bytes(withTexts), bytes(series));
          assert.equal(bytes(withTexts), bytes(series));
        };
        check();
        for (const { drop, before, after } of changes) {
          const to = Math.max(0, slots.length - drop);
          const from = before.length;
          const source = { texts, from, to: from + to, at: from };
          texts = new SlotTexts(source, () => undefined);
          slots = [...before, ...slots.slice(0, to), ...after];
          startUs -= from * 1e6;
          check();
        }
      },
    ),
  );
});

test('memory is told once', () => {
  const told: number[] = [];
  const texts = new SlotTexts(undefined, (sizeBytes) => told.push(sizeBytes));
  const series = { ...seriesSlots(['a', 'b'], [1, undefined, 2.5]), texts };
  assert.equal(text(series), text(series));
  assert.deepEqual(told, ['[100,"1"],[102,"2.5"],'.length + 12]);
});
