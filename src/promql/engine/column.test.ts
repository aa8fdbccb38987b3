// Which labels of columns are about the metric itself, and what is left without them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { labelsFromObject } from '../../model/labels.ts';
import { dropMetadataLabels, haveOneMetric, newColumn } from './column.ts';
import type { Column } from './column.ts';

const columnsOf = (...all: Record<string, string>[]) =>
  all.map((labels) => newColumn(labelsFromObject(labels), 1, false));

const never = { pause: () => undefined };
const areOne = (columns: readonly Column[]) => haveOneMetric(never, columns);

test('labels of one metric, wherever they stand', async () => {
  assert.equal(await areOne([]), true);
  assert.equal(await areOne(columnsOf({ a: '1' }, { a: '2' })), true);
  assert.equal(await areOne(columnsOf({ __name__: 'm', a: '1' }, { __name__: 'm', A: '1' })), true);
  assert.equal(
    await areOne(columnsOf({ __name__: 'm', a: '1' }, { __name__: 'n', a: '1' })),
    false,
  );
  assert.equal(
    await areOne(columnsOf({ A: 'x', __name__: 'm' }, { A: 'x', __name__: 'n' })),
    false,
  );
  assert.equal(await areOne(columnsOf({ __name__: 'm' }, { a: 'm' })), false);
  assert.equal(await areOne(columnsOf({ a: 'm' }, { __name__: 'm' })), false);
  const units = columnsOf({ __name__: 'm', __unit__: 's' }, { __name__: 'm', __unit__: 'ms' });
  assert.equal(await areOne(units), false);
  const types = columnsOf({ __name__: 'm', __type__: 'gauge' }, { __name__: 'm' });
  assert.equal(await areOne(types), false);
});

test('what describes the metric goes, the rest stays', () => {
  const dropped = (labels: Record<string, string>) => dropMetadataLabels(labelsFromObject(labels));
  assert.deepEqual(dropped({ __name__: 'm', a: '1', b: '2' }), ['a', '1', 'b', '2']);
  assert.deepEqual(dropped({ A: '0', __name__: 'm', a: '1' }), ['A', '0', 'a', '1']);
  const all = { A: '0', __name__: 'm', __type__: 't', __unit__: 'u', __zone__: 'z', zz: '1' };
  assert.deepEqual(dropped(all), ['A', '0', '__zone__', 'z', 'zz', '1']);
  assert.deepEqual(dropped({ __type__: 't', a: '1' }), ['a', '1']);
  assert.deepEqual(dropped({ a: '1' }), ['a', '1']);
  assert.deepEqual(dropped({}), []);
});
