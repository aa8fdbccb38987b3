// Names of OTLP metrics, units and attributes as names of series and labels, by the four strategies
// that Prometheus has. Escaping makes names that need no quotes; suffixes tell unit and type.
// Source: prometheus/otlptranslator; OpenTelemetry specification, "Prometheus and OpenMetrics
// compatibility". Without escaping and suffixes names stay as they are.

export const TRANSLATIONS = [
  'UnderscoreEscapingWithSuffixes',
  'UnderscoreEscapingWithoutSuffixes',
  'NoUTF8EscapingWithSuffixes',
  'NoTranslation',
] as const;
export type Translation = (typeof TRANSLATIONS)[number];

export interface NameRules {
  /** Replace what is not a letter, digit, underscore or (in metric names) colon. */
  readonly escapes: boolean;
  readonly addsSuffixes: boolean;
  /** In front of every metric name, joined by an underscore; '' = none. */
  readonly namespace: string;
}

export function nameRules(translation: Translation, namespace: string): NameRules {
  return {
    escapes: translation.startsWith('UnderscoreEscaping'),
    addsSuffixes: translation.endsWith('WithSuffixes'),
    namespace,
  };
}

/** What a metric name tells about its type. */
export type NamedType = 'gauge' | 'counter' | 'other';

export interface NamedMetric {
  readonly name: string;
  /** As UCUM writes it. */
  readonly unit: string;
  readonly type: NamedType;
}

/** A name, or why there is none. */
export type Naming = { readonly name: string } | { readonly reason: string };

const UNITS: ReadonlyMap<string, string> = new Map([
  ['d', 'days'],
  ['h', 'hours'],
  ['min', 'minutes'],
  ['s', 'seconds'],
  ['ms', 'milliseconds'],
  ['us', 'microseconds'],
  ['ns', 'nanoseconds'],
  ['By', 'bytes'],
  ['KiBy', 'kibibytes'],
  ['MiBy', 'mebibytes'],
  ['GiBy', 'gibibytes'],
  ['TiBy', 'tibibytes'],
  ['KBy', 'kilobytes'],
  ['MBy', 'megabytes'],
  ['GBy', 'gigabytes'],
  ['TBy', 'terabytes'],
  ['m', 'meters'],
  ['V', 'volts'],
  ['A', 'amperes'],
  ['J', 'joules'],
  ['W', 'watts'],
  ['g', 'grams'],
  ['Cel', 'celsius'],
  ['Hz', 'hertz'],
  ['1', ''],
  ['%', 'percent'],
]);

const RATES: ReadonlyMap<string, string> = new Map([
  ['s', 'second'],
  ['m', 'minute'],
  ['h', 'hour'],
  ['d', 'day'],
  ['w', 'week'],
  ['mo', 'month'],
  ['y', 'year'],
]);

interface UnitWords {
  readonly main: string;
  /** `per_second`, or ''. */
  readonly per: string;
}

/** Parts in braces are comments on what is counted. */
function unitWord(text: string, words: ReadonlyMap<string, string>): string {
  const unit = text.trim();
  if (unit === '' || /[{}]/.test(unit)) return '';
  return words.get(unit) ?? unit;
}

function unitWords(unit: string): UnitWords {
  const slash = unit.indexOf('/');
  if (slash < 0) return { main: unitWord(unit, UNITS), per: '' };
  const per = unitWord(unit.slice(slash + 1), RATES);
  return { main: unitWord(unit.slice(0, slash), UNITS), per: per === '' ? '' : `per_${per}` };
}

function escapedUnit(unit: string): string {
  return unit
    .replaceAll(/[^a-zA-Z0-9:]/gu, '_')
    .replaceAll(/_+/g, '_')
    .replace(/^_/, '');
}

/** The unit as metadata shows it. */
export function unitName(unit: string, { escapes }: NameRules): string {
  const { main, per } = unitWords(unit);
  const parts = escapes ? [escapedUnit(main), escapedUnit(per)] : [main, per];
  return parts
    .filter((part) => part !== '')
    .join('_')
    .replace(/^_/, '')
    .replace(/_$/, '');
}

/** Without `suffix` and what stands before it, if anything is left then. */
function withoutSuffix(name: string, suffix: string): string {
  if (!name.endsWith(suffix) || name.length <= suffix.length + 1) return name;
  return name.slice(0, name.length - suffix.length - 1);
}

function typeSuffix({ unit, type }: NamedMetric): string {
  if (type === 'counter') return 'total';
  return unit === '1' && type === 'gauge' ? 'ratio' : '';
}

function unescapedName(metric: NamedMetric, rules: NameRules): string {
  let name = rules.namespace === '' ? metric.name : `${rules.namespace}_${metric.name}`;
  if (!rules.addsSuffixes) return name;
  const suffix = typeSuffix(metric);
  if (suffix !== '') name = withoutSuffix(name, suffix);
  const { main, per } = unitWords(metric.unit);
  if (per !== '') name = withoutSuffix(name, per);
  if (main !== '' && !name.endsWith(main)) name += `_${main}`;
  if (per !== '') name += `_${per}`;
  return suffix === '' ? name : `${name}_${suffix}`;
}

function suffixedTokens(metric: NamedMetric): string[] {
  const tokens = metric.name.split(/[^a-zA-Z0-9:]+/u).filter((token) => token !== '');
  const words = unitWords(metric.unit);
  const main = escapedUnit(words.main).replace(/_$/, '');
  const per = escapedUnit(words.per).replace(/_$/, '');
  const [hasMain, hasPer] = [tokens.includes(main), tokens.includes(per)];
  if (main !== '' && !hasMain) tokens.push(main);
  if (per !== '' && !hasPer) tokens.push(per);
  const suffix = typeSuffix(metric);
  return suffix === '' ? tokens : [...tokens.filter((token) => token !== suffix), suffix];
}

/** What is not allowed becomes one underscore between what is; none at the ends. */
function joined(name: string): string {
  return name
    .split(/[^a-zA-Z0-9:_]+/u)
    .filter((token) => token !== '')
    .join('_');
}

function escapedName(metric: NamedMetric, rules: NameRules): string {
  const { namespace } = rules;
  let name = rules.addsSuffixes ? suffixedTokens(metric).join('_') : joined(metric.name);
  if (namespace !== '') name = `${rules.addsSuffixes ? namespace : joined(namespace)}_${name}`;
  return /^\d/.test(name) ? `_${name}` : name;
}

export function metricName(metric: NamedMetric, rules: NameRules): Naming {
  const name = rules.escapes ? escapedName(metric, rules) : unescapedName(metric, rules);
  if (!rules.escapes) return metric.name === '' ? { reason: 'metric without a name' } : { name };
  const given = JSON.stringify(metric.name);
  if (name === '') return { reason: `normalization for metric ${given} resulted in empty name` };
  if (name !== metric.name && /^_+$/.test(name)) {
    const made = JSON.stringify(name);
    return { reason: `normalization for metric ${given} resulted in invalid name ${made}` };
  }
  return { name };
}

/** Names of the form `__x__` keep their underscores. */
const RESERVED = /^__(.*)__$/su;

function escapedLabel(label: string): string {
  const inner = RESERVED.exec(label)?.[1];
  const escaped = (inner ?? label).replaceAll(/[^a-zA-Z0-9]+/gu, '_');
  if (inner !== undefined) return `__${escaped}__`;
  return /^\d/.test(escaped) ? `key_${escaped}` : escaped;
}

export function labelName(label: string, rules: NameRules): Naming {
  if (label === '') return { reason: 'label name is empty' };
  const given = JSON.stringify(label);
  if (!rules.escapes)
    return /^_+$/.test(label)
      ? { reason: `label name ${given} contains only underscores` }
      : { name: label };
  const name = escapedLabel(label);
  if (!/^_+$/.test(name)) return { name };
  const made = JSON.stringify(name);
  return { reason: `normalization for label name ${given} resulted in invalid name ${made}` };
}
