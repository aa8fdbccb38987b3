/** Type, unit and help of the first metric of each query. */
import { metadataOf } from '../api/client.ts';
import type { MetricMetadata } from '../api/types.ts';
import { metricNames } from '../util/unit.ts';
import { useRequest } from './use-request.ts';

const NONE: readonly (MetricMetadata | undefined)[] = [];

/** One entry for each query. A courtesy: when it cannot be had the page is whole without it. */
export function useMetadata(exprs: readonly string[]): readonly (MetricMetadata | undefined)[] {
  const names = exprs.map((expr) => metricNames(expr)[0]);
  const key = JSON.stringify(names);
  const isWanted = names.some((name) => name !== undefined);
  const { data } = useRequest(isWanted ? key : undefined, key, async (signal) =>
    Promise.all(
      names.map(async (name) => (name === undefined ? undefined : metadataOf(name, signal))),
    ),
  );
  return data ?? NONE;
}
