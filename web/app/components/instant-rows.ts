/** Instant results of every type as rows: labels and the value's exact text. */
import type { InstantResult } from '../api/types.ts';
import { toNumber } from '../util/decode.ts';
import type { Labels } from '../util/labels.ts';

export interface InstantRow {
  readonly labels: Labels;
  /** As the server printed it. */
  readonly exact: string;
  /** The number to print shortly beside it; undefined when the value is no single number. */
  readonly value: number | undefined;
}

export function toInstantRows(data: InstantResult): readonly InstantRow[] {
  switch (data.resultType) {
    case 'scalar':
      return [{ labels: {}, exact: data.result[1], value: toNumber(data.result[1]) }];
    case 'string':
      return [{ labels: {}, exact: JSON.stringify(data.result[1]), value: undefined }];
    case 'matrix':
      return data.result.map(({ metric, values }) => ({
        labels: metric,
        exact: `${values.length} samples, last ${values.at(-1)?.[1] ?? 'none'}`,
        value: undefined,
      }));
    default:
      return data.result.map(({ metric, value, histogram }) => {
        if (value !== undefined) {
          return { labels: metric, exact: value[1], value: toNumber(value[1]) };
        }
        const h = histogram?.[1];
        const exact = `histogram of ${h?.count ?? '?'} observations, sum ${h?.sum ?? '?'}`;
        return { labels: metric, exact, value: undefined };
      });
  }
}
