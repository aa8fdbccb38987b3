// Labels of series from resource, scope and attributes, as Prometheus makes them:
//
//   job = service.namespace "/" service.name, instance = service.instance.id; attributes of the
//   data point by their translated names, values whose names collide joined by `;` in the order of
//   their keys; promoted resource attributes where no attribute has their name; otel_scope_*.
//
// Runs once for a series, when its dictionary does not know it yet.
import { compareUtf8, METRIC_NAME } from '../../model/labels.ts';
import type { Attribute } from './attributes.ts';
import { labelName } from './names.ts';
import type { NameRules } from './names.ts';

const SERVICE_NAME = 'service.name';
const SERVICE_NAMESPACE = 'service.namespace';
const SERVICE_INSTANCE = 'service.instance.id';
const IDENTIFYING: ReadonlySet<string> = new Set([
  SERVICE_NAME,
  SERVICE_NAMESPACE,
  SERVICE_INSTANCE,
]);

const TARGET_INFO = 'target_info';

export interface LabelRules {
  readonly names: NameRules;
  /** Scope name, version, schema URL and attributes are labels. */
  readonly scopeLabels: boolean;
  /** Resource attributes that are labels of every series. */
  readonly promoted: ReadonlySet<string>;
  /** `target_info` also has the attributes that job and instance are made of. */
  readonly keepsIdentifying: boolean;
}

/** Flat name, value. */
type Pairs = readonly string[];

/** Labels that come from the resource. */
export interface ResourceLabels {
  readonly promoted: Pairs;
  /** job and instance. */
  readonly target: Pairs;
  /** Of target_info; undefined where the resource says nothing but who it is. */
  readonly info: Pairs | undefined;
}

export interface ScopeParts {
  readonly name: string;
  readonly version: string;
  readonly schemaUrl: string;
  readonly attributes: readonly Attribute[];
}

/** Labels of attributes, or why there are none. `prefix` stands in front of every key. */
function attributePairs(
  attributes: readonly Attribute[],
  names: NameRules,
  prefix = '',
): Pairs | string {
  const values = new Map<string, string>();
  const sorted = attributes.toSorted((a, b) => compareUtf8(a.key, b.key));
  for (const { key, text } of sorted) {
    if (key === METRIC_NAME || text === '') continue;
    const naming = labelName(key === '' ? key : prefix + key, names);
    if ('reason' in naming) return naming.reason;
    const known = values.get(naming.name);
    values.set(naming.name, known === undefined ? text : `${known};${text}`);
  }
  return Array.from(values).flat();
}

function targetPairs(attributes: readonly Attribute[]): Pairs {
  const value = (key: string): string => attributes.findLast((one) => one.key === key)?.text ?? '';
  const [name, namespace, instance] = [
    value(SERVICE_NAME),
    value(SERVICE_NAMESPACE),
    value(SERVICE_INSTANCE),
  ];
  const pairs: string[] = [];
  if (name !== '') pairs.push('job', namespace === '' ? name : `${namespace}/${name}`);
  if (instance !== '') pairs.push('instance', instance);
  return pairs;
}

export function resourceLabels(
  attributes: readonly Attribute[],
  rules: LabelRules,
): ResourceLabels | string {
  const target = targetPairs(attributes);
  const wanted = attributes.filter(({ key }) => rules.promoted.has(key));
  const promoted = attributePairs(wanted, rules.names);
  if (typeof promoted === 'string') return promoted;
  const others = attributes.filter(({ key }) => !IDENTIFYING.has(key));
  if (target.length === 0 || others.length === 0) return { promoted, target, info: undefined };
  const info = attributePairs(rules.keepsIdentifying ? attributes : others, rules.names);
  if (typeof info === 'string') return info;
  const { namespace } = rules.names;
  const name = namespace === '' ? TARGET_INFO : `${namespace}_${TARGET_INFO}`;
  return { promoted, target, info: [...info, ...target, METRIC_NAME, name] };
}

/** None where the scope has no name. */
export function scopePairs(scope: ScopeParts, rules: LabelRules): Pairs | string {
  const { name, version, schemaUrl, attributes } = scope;
  if (!rules.scopeLabels || name === '') return [];
  const pairs = attributePairs(attributes, rules.names, 'otel_scope_');
  if (typeof pairs === 'string') return pairs;
  const own = ['otel_scope_name', name, 'otel_scope_version', version];
  return [...pairs, ...own, 'otel_scope_schema_url', schemaUrl];
}

export interface SeriesParts {
  readonly resource: ResourceLabels;
  readonly scope: Pairs;
  readonly attributes: readonly Attribute[];
  readonly metricName: string;
  /** `le` or `quantile` with its value. */
  readonly extra: Pairs;
}

/** Pairs of a series, unsorted; the later of two with one name counts. */
export function seriesPairs(parts: SeriesParts, rules: LabelRules): string[] | string {
  const own = attributePairs(parts.attributes, rules.names);
  if (typeof own === 'string') return own;
  const { resource, scope, extra, metricName } = parts;
  return [
    ...resource.promoted,
    ...own,
    ...resource.target,
    ...scope,
    ...extra,
    METRIC_NAME,
    metricName,
  ];
}
