// Asks the engine in this process, over the in-memory storage, one storage a data set.
import { AppError } from '../../src/model/errors.ts';
import { KIND } from '../../src/model/columns.ts';
import { labelsToObject } from '../../src/model/labels.ts';
import { evaluate } from '../../src/promql/engine/engine.ts';
import { SLOT_EMPTY, SLOT_FLOAT } from '../../src/promql/engine/result.ts';
import type { EvalResult, EvalSeries } from '../../src/promql/engine/result.ts';
import { parseExpr } from '../../src/promql/parser.ts';
import { runLeafInThread } from '../../src/windows/leaf.ts';
import { withContext } from '../contract/contexts.ts';
import { MemoryStorage } from '../contract/memory-storage.ts';
import { f64Bits, writeRows } from '../contract/rows.ts';
import type { Row } from '../contract/rows.ts';
import { histogramToJson } from './promqltest-cases.ts';
import type { Ask, AskParams, JsonAnswer, JsonData, JsonSeries } from './promqltest-cases.ts';
import { readDataset, STALE_BITS } from './promqltest-data.ts';
import type { DataSample, RawDataset } from './promqltest-data.ts';

const LOOKBACK_US = 300e6;

function toRow(series: Row['series'], { tMs, value, startMs }: DataSample): Row {
  const start = startMs === undefined ? {} : { startUs: startMs * 1000 };
  const common = { series, tUs: tMs * 1000, ...start };
  if (value === 'stale') return { ...common, kind: KIND.f64, value: STALE_BITS };
  if (typeof value === 'number') return { ...common, kind: KIND.f64, value: f64Bits(value) };
  return { ...common, kind: KIND.histogram, value };
}

async function openDataset(raw: RawDataset): Promise<MemoryStorage> {
  const storage = new MemoryStorage(runLeafInThread);
  const rows = readDataset(raw).flatMap(({ labels, samples }) =>
    samples.map((sample) => toRow(labels, sample)),
  );
  if (rows.length > 0) await writeRows(storage, rows);
  return storage;
}

/** The number as the JSON API prints it, near enough for comparison. */
function numberText(value: number): string {
  if (value === Infinity) return '+Inf';
  return value === -Infinity ? '-Inf' : String(value);
}

function seriesToJson(series: EvalSeries, result: EvalResult, isInstant: boolean): JsonSeries {
  const metric = labelsToObject(series.labels);
  const values: [number, string][] = [];
  const histograms: [number, ReturnType<typeof histogramToJson>][] = [];
  for (let k = 0; k < series.present.length; k++) {
    const seconds = (series.tUs?.[k] ?? result.startUs + k * result.stepUs) / 1e6;
    if (series.present[k] === SLOT_EMPTY) continue;
    if (series.present[k] === SLOT_FLOAT) values.push([seconds, numberText(series.values[k]!)]);
    else histograms.push([seconds, histogramToJson(series.histograms![k]!)]);
  }
  if (!isInstant) return { metric, values, ...(histograms.length > 0 ? { histograms } : {}) };
  return values.length > 0 ? { metric, value: values[0]! } : { metric, histogram: histograms[0]! };
}

function toData(result: EvalResult): JsonData {
  const seconds = result.startUs / 1e6;
  switch (result.type) {
    case 'string':
      return { resultType: 'string', result: [seconds, result.string ?? ''] };
    case 'scalar':
      return {
        resultType: 'scalar',
        result: [seconds, numberText(result.series[0]!.values[0]!)],
      };
    default: {
      const isInstant = result.type === 'vector';
      const series = result.series.map((one) => seriesToJson(one, result, isInstant));
      return { resultType: result.type, result: series };
    }
  }
}

async function answer(
  storage: MemoryStorage,
  query: string,
  params: AskParams,
): Promise<JsonAnswer> {
  try {
    const expr = parseExpr(query);
    const result = await withContext(storage, (context) =>
      evaluate(storage, context, expr, {
        startUs: params.startMs * 1000,
        endUs: params.endMs * 1000,
        stepUs: params.stepMs * 1000,
        lookbackUs: LOOKBACK_US,
        enableDelayedNameRemoval: params.delayedNameRemoval,
        query,
      }),
    );
    const messages = (level: string): string[] =>
      result.annotations.filter((note) => note.level === level).map(({ message }) => message);
    return {
      status: 'success',
      data: toData(result),
      warnings: messages('warning'),
      infos: messages('info'),
    };
  } catch (error) {
    if (error instanceof AppError) return { status: 'error', error: error.message };
    throw error;
  }
}

/** Data sets are loaded when first asked for; only the last one is kept. */
export function engineAsk(datasets: readonly RawDataset[]): Ask {
  const byNumber = new Map(datasets.map((raw) => [raw.dataset, raw]));
  let last: { dataset: number; storage: MemoryStorage } | undefined;
  return async (query, params) => {
    if (last?.dataset !== params.dataset) {
      const storage = await openDataset(byNumber.get(params.dataset)!);
      last = { dataset: params.dataset, storage };
    }
    return answer(last.storage, query, params);
  };
}
