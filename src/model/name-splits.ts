// The rule for metric names that two measurements and fields share: the first split of a name is
// the name's own, series of another one carry where they come from as a label, for ever. The text
// of that label says which of the two is which: for one name the place of the slash differs between
// any two splits, so no two have the same text.
import type { NameSplit } from './columns.ts';

/** Label that keeps series apart whose equal names came from different splits. */
export const ORIGIN_LABEL = '__origin__';

/** Field name that adds nothing to the metric name. */
const PLAIN_FIELD = 'value';

/** `m,tags f=v` is the series m_f{tags}; the field `value` adds nothing: m{tags}. */
export function metricNameOf(measurement: string, field: string): NameSplit {
  const name = field === PLAIN_FIELD ? measurement : `${measurement}_${field}`;
  return { name, measurement, field };
}

/** Value of the label of a split that is not the first of its name. */
export function originOf({ measurement, field }: NameSplit): string {
  return `${measurement}/${field}`;
}

/** Back from a name and the value of the label; undefined where no split of the name has it. */
export function splitOfOrigin(name: string, origin: string): NameSplit | undefined {
  for (let slash = origin.indexOf('/'); slash >= 0; slash = origin.indexOf('/', slash + 1)) {
    const split = metricNameOf(origin.slice(0, slash), origin.slice(slash + 1));
    if (split.name === name) return split;
  }
  return undefined;
}
