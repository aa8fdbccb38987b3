// Warnings and infos of one evaluation, distinct by sentence, rendered at the end as Prometheus
// renders them (util/annotations/annotations.go): kind, sentence, details, position. Where one
// sentence occurs at several places the last place is shown.
import { compareUtf8 } from '../../model/labels.ts';
import type { PosRange } from '../ast.ts';
import { calendarTime } from './dates.ts';
import type { EvalAnnotation } from './result.ts';
import { goFloat, goFloatDigits } from './text.ts';
import { quote } from '../text.ts';

type Level = EvalAnnotation['level'];

interface Entry {
  readonly level: Level;
  readonly text: string;
  pos: PosRange;
  monotonicity: Monotonicity | undefined;
  count: number;
}

/** Where counts of classic buckets had to be forced to grow. */
export interface Monotonicity {
  readonly minUs: number;
  readonly maxUs: number;
  readonly minBucket: number;
  readonly maxBucket: number;
  readonly maxDiff: number;
  readonly count: number;
}

/** Told with how often it occurred. */
const START_OVERLAP = 'sample has start time';

const MONOTONICITY_TEXT =
  'input to histogram_quantile needed to be fixed for monotonicity ' +
  '(see https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile)';

/** What was told until now. */
interface SavedAnnotations {
  readonly dependsOnRange: boolean;
  /** Forgets what was told since. */
  readonly run: () => void;
}

export class Annotations {
  #entries = new Map<string, Entry>();
  /**
   * While counts and sums of histograms are read, resets between neighbours in storage are told.
   */
  tellsNeighbourResets = false;
  /**
   * The result, or what is told of it, could be another one at the same steps if the query had
   * other steps too: it is not to be kept in part.
   */
  dependsOnRange = false;
  /** How often something was added, new or not. */
  addCount = 0;

  save(): SavedAnnotations {
    const { dependsOnRange, addCount } = this;
    const entries = new Map(Array.from(this.#entries, ([key, entry]) => [key, { ...entry }]));
    const run = (): void => {
      this.#entries = entries;
      this.dependsOnRange = dependsOnRange;
      this.addCount = addCount;
    };
    return { dependsOnRange, run };
  }

  add(level: Level, text: string, pos: PosRange): void {
    this.addCount++;
    const key = `${level} ${text}`;
    if (text.startsWith(START_OVERLAP)) this.dependsOnRange = true;
    const entry = this.#entries.get(key);
    if (entry === undefined)
      this.#entries.set(key, { level, text, pos, monotonicity: undefined, count: 1 });
    else {
      entry.pos = pos;
      entry.count++;
    }
  }

  warning(text: string, pos: PosRange): void {
    this.add('warning', text, pos);
  }

  info(text: string, pos: PosRange): void {
    this.add('info', text, pos);
  }

  invalidQuantile(q: number, pos: PosRange): void {
    this.warning(`quantile value should be between 0 and 1, got ${goFloat(q)}`, pos);
  }

  forcedMonotonicity(metric: string, pos: PosRange, found: Monotonicity): void {
    const text = withMetric(MONOTONICITY_TEXT, metric);
    this.add('info', text, pos);
    this.dependsOnRange = true;
    const entry = this.#entries.get(`info ${text}`)!;
    const known = entry.monotonicity;
    entry.monotonicity =
      known === undefined
        ? found
        : {
            minUs: Math.min(known.minUs, found.minUs),
            maxUs: Math.max(known.maxUs, found.maxUs),
            minBucket: Math.min(known.minBucket, found.minBucket),
            maxBucket: Math.max(known.maxBucket, found.maxBucket),
            maxDiff: Math.max(known.maxDiff, found.maxDiff),
            count: known.count + found.count,
          };
  }

  /** In order of their sentences. `query` gives line numbers; without it all is on line 1. */
  render(query: string | undefined): EvalAnnotation[] {
    const rendered = Array.from(this.#entries.values(), (entry) => {
      const position = locate(query, entry.pos.start);
      const where = ` (${position.line}:${position.column})`;
      const message = `PromQL ${entry.level}: ${entry.text}${details(entry)}${where}`;
      return { level: entry.level, message, position };
    });
    return rendered.toSorted((a, b) => compareUtf8(a.message, b.message));
  }
}

export function withMetric(text: string, metric: string): string {
  return metric === '' ? text : `${text} for metric name ${quote(metric)}`;
}

function details(entry: Entry): string {
  const found = entry.monotonicity;
  if (found !== undefined)
    return (
      `, from buckets ${goFloat(found.minBucket)} to ${goFloat(found.maxBucket)}, ` +
      `with a max diff of ${goFloatDigits(found.maxDiff, 2)}, over ${found.count} samples ` +
      `from ${isoSeconds(found.minUs)} to ${isoSeconds(found.maxUs)}`
    );
  if (entry.text.startsWith(START_OVERLAP) && entry.count > 1)
    return ` (${entry.count} occurrences)`;
  return '';
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}

function isoSeconds(tUs: number): string {
  const seconds = Math.floor(tUs / 1e6);
  const { year, month, day, hour, minute } = calendarTime(seconds);
  const second = ((seconds % 60) + 60) % 60;
  const date = `${String(year).padStart(4, '0')}-${two(month)}-${two(day)}`;
  return `${date}T${two(hour)}:${two(minute)}:${two(second)}Z`;
}

function locate(query: string | undefined, offset: number): { line: number; column: number } {
  if (query === undefined) return { line: 1, column: offset + 1 };
  const before = query.slice(0, offset);
  return { line: before.split('\n').length, column: offset - before.lastIndexOf('\n') };
}
