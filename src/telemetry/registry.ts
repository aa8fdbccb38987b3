// Own metrics: counters, gauges, histograms and values read at scrape time, printed as Prometheus
// text 0.0.4 (https://prometheus.io/docs/instrumenting/exposition_formats/). A child (one combination
// of label values) is looked up once and kept by its owner, so that counting costs one addition.
// The number of children is bounded: a hostile label value ends in the shared child `other`.
import { assert } from '../stdx/assert.ts';
import { METRIC_CHILDREN_MAX } from './limits.ts';

export interface Counter {
  /** Adds a finite amount >= 0. */
  add(amount: number): void;
}

export interface Gauge {
  set(value: number): void;
  add(amount: number): void;
}

export interface HistogramMetric {
  observe(value: number): void;
}

/** One metric with label names; `labels` takes their values in the same order. */
export interface Family<T> {
  labels(...values: readonly string[]): T;
}

/** One line of a collected family: label values in the order of its label names, and the value. */
export type CollectedSample = readonly [labelValues: readonly string[], value: number];

export interface FamilyOptions {
  readonly name: string;
  readonly help: string;
  readonly labelNames?: readonly string[];
}

interface Rendered {
  readonly options: FamilyOptions;
  render(out: string[]): void;
}

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;

export function escapeHelp(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
}

export function escapeLabelValue(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"');
}

/** A float as Go prints it in the text format: `+Inf`, `-Inf`, `NaN`, else the shortest decimal. */
export function formatFloat(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf';
  if (value === Number.NEGATIVE_INFINITY) return '-Inf';
  return String(value);
}

function labelText(names: readonly string[], values: readonly string[]): string {
  assert(names.length === values.length, 'one value for each label name');
  if (names.length === 0) return '';
  return `{${names.map((name, i) => `${name}="${escapeLabelValue(values[i]!)}"`).join(',')}}`;
}

class Children<T> implements Family<T> {
  readonly #names: readonly string[];
  readonly #make: () => T;
  readonly byKey = new Map<string, { readonly values: readonly string[]; readonly child: T }>();

  constructor(names: readonly string[], make: () => T) {
    this.#names = names;
    this.#make = make;
  }

  labels(...values: readonly string[]): T {
    assert(values.length === this.#names.length, 'one value for each label name');
    const key = values.join('\udfff');
    const known = this.byKey.get(key);
    if (known !== undefined) return known.child;
    if (this.byKey.size >= METRIC_CHILDREN_MAX && values.some((value) => value !== 'other'))
      return this.labels(...values.map(() => 'other'));
    const child = this.#make();
    this.byKey.set(key, { values, child });
    return child;
  }
}

class Cell implements Counter, Gauge {
  value = 0;
  add(amount: number): void {
    this.value += amount;
  }
  set(value: number): void {
    this.value = value;
  }
}

class HistogramCell implements HistogramMetric {
  readonly bounds: readonly number[];
  readonly counts: number[];
  sum = 0;
  count = 0;

  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.counts = bounds.map(() => 0);
  }

  observe(value: number): void {
    this.sum += value;
    this.count += 1;
    const at = this.bounds.findIndex((bound) => value <= bound);
    if (at >= 0) this.counts[at]! += 1;
  }
}

export class MetricsRegistry {
  readonly #families = new Map<string, Rendered>();

  counter(options: FamilyOptions): Family<Counter> {
    return this.#cells(options, 'counter');
  }

  gauge(options: FamilyOptions): Family<Gauge> {
    return this.#cells(options, 'gauge');
  }

  #cells(options: FamilyOptions, type: 'counter' | 'gauge'): Family<Cell> {
    const names = options.labelNames ?? [];
    const children = new Children(names, () => new Cell());
    this.#add(options, type, (out) => {
      for (const { values, child } of children.byKey.values())
        out.push(`${options.name}${labelText(names, values)} ${formatFloat(child.value)}\n`);
    });
    return children;
  }

  /** Cumulative buckets with the given upper bounds (ascending, without +Inf). */
  histogram(
    options: FamilyOptions & { readonly bounds: readonly number[] },
  ): Family<HistogramMetric> {
    const { name, bounds } = options;
    const names = options.labelNames ?? [];
    const children = new Children(names, () => new HistogramCell(bounds));
    const bucketNames = [...names, 'le'];
    this.#add(options, 'histogram', (out) => {
      for (const { values, child } of children.byKey.values()) {
        let below = 0;
        for (const [i, bound] of bounds.entries()) {
          below += child.counts[i]!;
          const labels = labelText(bucketNames, [...values, formatFloat(bound)]);
          out.push(`${name}_bucket${labels} ${below}\n`);
        }
        out.push(
          `${name}_bucket${labelText(bucketNames, [...values, '+Inf'])} ${child.count}\n`,
          `${name}_sum${labelText(names, values)} ${formatFloat(child.sum)}\n`,
          `${name}_count${labelText(names, values)} ${child.count}\n`,
        );
      }
    });
    return children;
  }

  /** A family whose samples are read when the page is printed; one without samples is left out. */
  collect(
    options: FamilyOptions & { readonly type: 'counter' | 'gauge' },
    read: () => Iterable<CollectedSample>,
  ): void {
    const names = options.labelNames ?? [];
    this.#add(options, options.type, (out) => {
      for (const [values, value] of read())
        out.push(`${options.name}${labelText(names, values)} ${formatFloat(value)}\n`);
    });
  }

  #add(options: FamilyOptions, type: string, samples: (out: string[]) => void): void {
    assert(NAME.test(options.name), () => `metric name ${options.name}`);
    assert(!this.#families.has(options.name), () => `metric ${options.name} registered twice`);
    const head = `# HELP ${options.name} ${escapeHelp(options.help)}\n# TYPE ${options.name} ${type}\n`;
    this.#families.set(options.name, {
      options,
      render(out) {
        const from = out.length;
        samples(out);
        if (out.length > from) out.splice(from, 0, head);
      },
    });
  }

  /** The whole page as Prometheus text, families in order of name. */
  render(): string {
    const out: string[] = [];
    const names = [...this.#families.keys()].toSorted();
    for (const name of names) this.#families.get(name)!.render(out);
    return out.join('');
  }

  /** Names and help of all families, for documentation. */
  families(): readonly FamilyOptions[] {
    return [...this.#families.values()].map((family) => family.options);
  }
}
