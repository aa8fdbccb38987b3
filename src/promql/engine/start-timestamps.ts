// start_timestamp(): when the counter behind the newest sample of each series began, in seconds. A
// sample without a start time answers 0.
import { gatherSamples } from '../../windows/samples.ts';
import type { StepGrid } from '../../windows/sliding.ts';
import { Windows } from '../../windows/sliding.ts';
import type { Expr } from '../ast.ts';
import { isEmptyColumn, newColumn, setFloat } from './column.ts';
import type { Column } from './column.ts';
import type { Evaluation } from './context.ts';
import { unwrap } from './prepare.ts';
import { SLOT_EMPTY } from './result.ts';
import { compileMatchers, dataGrid, QUERY_KINDS } from './selector.ts';

export async function startTimestamps(
  ev: Evaluation,
  arg: Expr,
  grid: StepGrid,
): Promise<Column[]> {
  const inner = unwrap(arg);
  if (inner.type !== 'VectorSelector') {
    // Computed values began nowhere, but what is wrong with them is said.
    await ev.vector(arg, grid);
    return [];
  }
  const data = dataGrid(ev, inner, grid);
  const shape = {
    beforeUs: ev.lookbackUs,
    afterUs: 0,
    includesStart: false,
    includesEnd: true,
  };
  const request = {
    matchers: compileMatchers(inner.matchers),
    kinds: QUERY_KINDS,
    startUs: data.startUs - ev.lookbackUs,
    endUs: data.startUs + (data.count - 1) * data.stepUs,
  };
  const windows = new Windows(data, shape);
  const out: Column[] = [];
  for await (const series of ev.storage.select(ev.context, request)) {
    ev.context.signal.throwIfAborted();
    const samples = gatherSamples(series.chunks, true);
    ev.countRead(1, samples.count);
    const column = newColumn(series.labels, grid.count, false);
    const newest = new Float64Array(grid.count).fill(-Infinity);
    for (const part of [samples, samples.histograms]) {
      if (part === undefined) continue;
      windows.walk(part.tUs, part.count);
      for (let k = 0; k < grid.count; k++) {
        const at = windows.hi[k]! - 1;
        if (at < windows.lo[k]! || part.tUs[at]! < newest[k]!) continue;
        newest[k] = part.tUs[at]!;
        const startUs = part.startUs?.[at] ?? Number.NaN;
        setFloat(column, k, Number.isNaN(startUs) ? 0 : startUs / 1e6);
        if (part.stale?.[at] === 1) column.present[k] = SLOT_EMPTY;
      }
    }
    if (!isEmptyColumn(column)) out.push(column);
  }
  ev.counted?.addColumns(out, true);
  return out;
}
