// Random PromQL of known series: well typed, its selectors from metrics and labels that exist, what
// was used least so far drawn most often. One seed, one sequence of texts.
import type { ValueType } from '../../src/promql/ast.ts';
import { FUNCTIONS } from '../../src/promql/signatures.ts';
import type { FunctionSignature } from '../../src/promql/signatures.ts';
import type { Prng } from '../../src/stdx/prng.ts';
import { randomInt } from '../../src/stdx/prng.ts';

export interface RandomMetric {
  readonly name: string;
  readonly holds: 'floats' | 'histograms' | 'both';
  readonly labels: Readonly<Record<string, readonly string[]>>;
  /** Where it holds both: the label that tells them apart, and its values. */
  readonly apart?: { readonly label: string; readonly floats: string; readonly histograms: string };
}

export interface RandomRange {
  readonly startSec: number;
  readonly endSec: number;
}

const AGGREGATES = 'sum avg count min max group stddev stdvar'.split(' ');
const WITH_PARAM = 'topk bottomk quantile count_values limitk limit_ratio'.split(' ');
/**
 * What these answer depends on which of equal values comes first, or on the last digit of a value:
 * they are asked of plain selectors only, whose order and digits are the same everywhere.
 */
const SEES_ORDER = new Set(['topk', 'bottomk', 'limitk', 'count_values']);
/** Of large numbers these answer the last digits only. */
const CHAOTIC = new Set(['sin', 'cos', 'tan', 'sinh', 'cosh', 'exp']);
const ARITHMETIC = '+ - * / % ^ atan2'.split(' ');
const COMPARISONS = '== != < > <= >='.split(' ');
/** Not `^` between vectors: it blows up the last digit of either side. */
const JOINED_ARITHMETIC = ARITHMETIC.filter((op) => op !== '^');
const SETS = 'and or unless'.split(' ');
const RANGES = ['45s', '1m', '2m', '5m', '10m', '30m'];
const NUMBERS = ['0', '1', '2', '0.5', '-1', '10', '3.25', '1e3', '100', 'NaN', 'Inf'];
const HISTOGRAM_TRIMS = ['</', '>/'];
/** Takes the value of one argument out of a small set. */
const SCALARS: Readonly<Record<string, readonly string[]>> = {
  histogram_quantile: ['0.5', '0.9', '0.99', '0', '1', '-0.1', '1.1'],
  histogram_fraction: ['0', '0.5', '1', '5', '-Inf', '+Inf'],
  histogram_quantiles: ['0.5', '0.9', '0.25', '1'],
  quantile_over_time: ['0.5', '0.9', '0', '1', '0.25'],
  double_exponential_smoothing: ['0.1', '0.5', '0.9'],
  predict_linear: ['60', '600', '0', '-60'],
  round: ['1', '0.5', '5', '10'],
};
/** For functions of histograms and of buckets: a metric that has them. */
const WANTS_HISTOGRAMS = /^histogram_/;
const DEPTH_MAX = 4;

export class RandomExpressions {
  readonly #prng: Prng;
  readonly #metrics: readonly RandomMetric[];
  readonly #range: RandomRange;
  /** How often each function, operator and way of matching was drawn. */
  readonly used = new Map<string, number>();
  #wantsHistograms = false;

  constructor(prng: Prng, metrics: readonly RandomMetric[], range: RandomRange) {
    this.#prng = prng;
    this.#metrics = metrics;
    this.#range = range;
  }

  next(): string {
    this.#wantsHistograms = this.#chance(5);
    return this.#chance(12) ? this.#scalar(0) : this.#vector(0);
  }

  #chance(of: number): boolean {
    return randomInt(this.#prng, of) === 0;
  }

  #pick<T>(from: readonly T[]): T {
    return from[randomInt(this.#prng, from.length)]!;
  }

  /** Of three draws the one that was used least. */
  #pickRare(kind: string, from: readonly string[]): string {
    const tries = [this.#pick(from), this.#pick(from), this.#pick(from)];
    const uses = (name: string) => this.used.get(`${kind} ${name}`) ?? 0;
    const [rarest] = tries.toSorted((a, b) => uses(a) - uses(b));
    this.used.set(`${kind} ${rarest}`, uses(rarest!) + 1);
    return rarest!;
  }

  #of(type: ValueType, depth: number): string {
    switch (type) {
      case 'vector':
        return this.#vector(depth);
      case 'scalar':
        return this.#scalar(depth);
      case 'matrix':
        return this.#matrix(depth);
      case 'string':
        return '"x"';
    }
  }

  #vector(depth: number): string {
    if (depth >= DEPTH_MAX) return this.#selector();
    const drawn = randomInt(this.#prng, 20);
    if (drawn < 2) return this.#selector();
    if (drawn < 14) return this.#call('vector', depth);
    if (drawn < 16) return this.#aggregate(depth);
    if (drawn < 19) return this.#binary(depth);
    return `-(${this.#vector(depth + 1)})`;
  }

  #scalar(depth: number): string {
    if (depth >= DEPTH_MAX || this.#chance(3)) return this.#pick(NUMBERS);
    if (this.#chance(4)) {
      const op = this.#pickRare('operator', ARITHMETIC);
      return `(${this.#scalar(depth + 1)} ${op} ${this.#scalar(depth + 1)})`;
    }
    return this.#call('scalar', depth);
  }

  #matrix(depth: number): string {
    if (depth + 1 < DEPTH_MAX && this.#chance(5)) {
      const inner = this.#vector(depth + 2);
      const step = this.#pick(['', '15s', '1m', '40s']);
      return `(${inner})[${this.#pick(['2m', '5m', '10m'])}:${step}]${this.#offset()}`;
    }
    const modifier = this.#chance(12) ? this.#pick([' anchored', ' smoothed']) : '';
    return `${this.#bare()}[${this.#pick(RANGES)}]${modifier}${this.#offset()}`;
  }

  #selector(): string {
    return `${this.#bare()}${this.#offset()}`;
  }

  #offset(): string {
    const at = (): string =>
      this.#pick([' @ start()', ' @ end()', ` @ ${this.#range.endSec - 600}`]);
    if (this.#chance(10)) return ` offset ${this.#pick(['1m', '37s', '5m', '-30s'])}`;
    return this.#chance(25) ? at() : '';
  }

  #metric(): RandomMetric {
    const fitting = this.#metrics.filter(({ holds }) =>
      this.#wantsHistograms ? holds !== 'floats' : holds !== 'histograms' || this.#chance(10),
    );
    return this.#pick(fitting);
  }

  #bare(): string {
    const { name, labels, apart } = this.#metric();
    const matchers: string[] = [];
    for (const [label, values] of Object.entries(labels)) {
      if (label === apart?.label && !this.#chance(4)) {
        matchers.push(`${label}="${this.#wantsHistograms ? apart.histograms : apart.floats}"`);
        continue;
      }
      if (!this.#chance(4)) continue;
      const value = this.#pick(values);
      const other = this.#pick(values);
      const accepting = [`${label}="${value}"`, `${label}=~"${value}|${other}"`, `${label}=~".+"`];
      // Of a label with one value nothing is left without it.
      const refusing = values.length > 1 ? [`${label}!="${value}"`, `${label}!~"${value}"`] : [];
      matchers.push(this.#pick([...accepting, ...refusing]));
    }
    if (this.#chance(30)) return `{__name__=~"${name}|nothing"${['', ...matchers].join(',')}}`;
    return matchers.length === 0 ? name : `${name}{${matchers.join(',')}}`;
  }

  #labels(): string {
    const names = [...new Set(this.#metrics.flatMap(({ labels }) => Object.keys(labels)))];
    return names.filter(() => this.#chance(2)).join(', ');
  }

  #aggregate(depth: number): string {
    const op = this.#pickRare('aggregate', [...AGGREGATES, ...WITH_PARAM]);
    const grouping = this.#chance(4)
      ? ''
      : ` ${this.#pickRare('grouping', ['by', 'without'])} (${this.#labels()})`;
    const input = SEES_ORDER.has(op) ? this.#selector() : this.#vector(depth + 1);
    return `${op}${grouping} (${this.#aggregateParam(op)}${input})`;
  }

  #aggregateParam(op: string): string {
    switch (op) {
      case 'topk':
      case 'bottomk':
      case 'limitk':
        return `${this.#pick(['1', '2', '3', '5'])}, `;
      case 'quantile':
        return `${this.#pick(['0.5', '0.9', '0', '1', '1.5'])}, `;
      case 'limit_ratio':
        return `${this.#pick(['0.5', '-0.5', '0.1', '1'])}, `;
      case 'count_values':
        return '"value", ';
      default:
        return '';
    }
  }

  #binary(depth: number): string {
    const kind = randomInt(this.#prng, 10);
    if (kind < 3) return this.#withScalar(depth);
    if (kind < 5) {
      const op = this.#pickRare('operator', SETS);
      return `(${this.#vector(depth + 1)} ${op}${this.#onClause()} ${this.#vector(depth + 1)})`;
    }
    const isComparison = this.#chance(3);
    const op = this.#pickRare('operator', isComparison ? COMPARISONS : JOINED_ARITHMETIC);
    const bool = isComparison && this.#chance(2) ? ' bool' : '';
    return this.#joined(`${op}${bool}`, depth);
  }

  #withScalar(depth: number): string {
    const isComparison = this.#chance(2);
    const isTrim = this.#wantsHistograms && this.#chance(3);
    const ops = isTrim ? HISTOGRAM_TRIMS : isComparison ? COMPARISONS : ARITHMETIC;
    const op = this.#pickRare('operator', ops);
    const bool = !isTrim && isComparison && this.#chance(2) ? ' bool' : '';
    const exponents = ['0', '1', '2', '0.5', '-1', '3'];
    const scalar = op === '^' ? this.#pick(exponents) : this.#scalar(depth + 2);
    const sides = [this.#vector(depth + 1), scalar];
    if (!isTrim && op !== '^' && this.#chance(3)) sides.reverse();
    return `(${sides[0]} ${op}${bool} ${sides[1]})`;
  }

  #onClause(): string {
    if (this.#chance(2)) return '';
    return ` ${this.#pickRare('matching', ['on', 'ignoring'])}(${this.#labels()})`;
  }

  /** Sides brought to the same labels, most of the time, so that they meet. */
  #joined(op: string, depth: number): string {
    const way = this.#pickRare('matching', ['one-to-one', 'group_left', 'group_right', 'free']);
    const left = this.#vector(depth + 2);
    const right = this.#vector(depth + 2);
    if (way === 'free') return `(${left} ${op}${this.#onClause()} ${right})`;
    const one = (side: string) => `sum by (job, instance) (${side})`;
    if (way === 'one-to-one')
      return `(${one(left)} ${op} on(job, instance)${this.#fill()} ${one(right)})`;
    const include = this.#chance(3) ? 'version' : '';
    return way === 'group_left'
      ? `(${left} ${op} on(job, instance) group_left(${include})${this.#fill()} ${one(right)})`
      : `(${one(left)} ${op} on(job, instance) group_right(${include}) ${right})`;
  }

  #fill(): string {
    return this.#chance(12) ? this.#pick([' fill(0)', ' fill_left(1)', ' fill_right(2)']) : '';
  }

  #call(returns: ValueType, depth: number): string {
    const fitting = [...FUNCTIONS.values()].filter((one) => one.returnType === returns);
    const name = this.#pickRare(
      'function',
      fitting.map((one) => one.name),
    );
    const wanted = this.#wantsHistograms;
    if (WANTS_HISTOGRAMS.test(name)) this.#wantsHistograms = true;
    const args = this.#args(FUNCTIONS.get(name)!, depth);
    this.#wantsHistograms = wanted;
    return `${name}(${args.join(', ')})`;
  }

  #args({ name, argTypes, argsMin, argsMax }: FunctionSignature, depth: number): readonly string[] {
    switch (name) {
      case 'label_replace':
        return [this.#vector(depth + 1), ...this.#pick(REPLACEMENTS)];
      case 'label_join':
        return [this.#vector(depth + 1), '"joined"', '"-"', '"job"', '"instance"'];
      case 'sort_by_label':
      case 'sort_by_label_desc':
        return [this.#vector(depth + 1), '"instance"', '"job"'];
      case 'histogram_quantiles':
        return [this.#vector(depth + 1), '"q"', '0.5', this.#pick(SCALARS[name]!)];
      case 'info':
        return [this.#bare(), ...(this.#chance(2) ? [] : ['{__name__=~".+_info"}'])];
    }
    if (WANTS_HISTOGRAMS.test(name) && !this.#chance(3))
      return this.#argsOf(name, argTypes, argsMin, () => this.#histograms());
    if (CHAOTIC.has(name)) return [`${this.#selector()} % 10`];
    const spread = Number.isFinite(argsMax) ? argsMax - argsMin : 0;
    const count = argsMin + (spread > 0 ? randomInt(this.#prng, spread + 1) : 0);
    return this.#argsOf(name, argTypes, count, (type) => this.#of(type, depth + 1));
  }

  #argsOf(
    name: string,
    argTypes: readonly ValueType[],
    count: number,
    other: (type: ValueType) => string,
  ): readonly string[] {
    const fixed = SCALARS[name];
    return argTypes
      .slice(0, count)
      .map((type) => (type === 'scalar' && fixed !== undefined ? this.#pick(fixed) : other(type)));
  }

  /** What has histograms for sure, or may have them: most functions of floats drop them. */
  #histograms(): string {
    const selector = this.#selector();
    switch (randomInt(this.#prng, 4)) {
      case 0:
        return `rate(${this.#bare()}[${this.#pick(['2m', '5m', '10m'])}])`;
      case 1:
        return `sum by (${this.#labels()}) (${selector})`;
      default:
        return selector;
    }
  }
}

const REPLACEMENTS = [
  ['"short"', '"$1"', '"instance"', '"(.).*"'],
  ['"job"', '"$1-x"', '"job"', '"(.*)"'],
  ['"code"', '""', '"code"', '".*"'],
  ['"kept"', '"${all}"', '"instance"', '"(?P<all>i[0-2])"'],
];
