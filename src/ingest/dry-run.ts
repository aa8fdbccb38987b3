// A write that stores nothing and remembers what would have happened: the ordinary ingest, with the
// rules, limits and splits of the product, before a storage that only takes notes. One for each
// body.
import { decodeUtf8 } from '../codec/utf8.ts';
import { KIND_NAMES } from '../model/columns.ts';
import type { Points, SeriesRef, WriteBatch } from '../model/columns.ts';
import type { LabelBytes } from '../model/label-bytes.ts';
import { RANGE_STRIDE } from '../model/label-bytes.ts';
import { labelsKey } from '../model/labels.ts';
import type { Labels } from '../model/labels.ts';
import type { AppendResult, StorageWriter } from '../model/storage.ts';
import type { TenantId } from '../model/tenant.ts';
import type { Relabeller, Relabelled, Relabelling, RuleStep } from '../relabel/relabelling.ts';
import { must } from '../stdx/assert.ts';
import { seededPrng } from '../stdx/prng.ts';
import { Ingest } from './ingest.ts';
import type { IngestStorage, WriteReport } from './ingest.ts';
import { DRY_POINTS_MAX } from './limits.ts';

export interface DryPoint {
  readonly labels: Labels;
  /** One of KIND_NAMES. */
  readonly kind: string;
  readonly tUs: number;
  readonly subNs: number;
  /** As text; '' of a histogram. */
  readonly value: string;
}

/** One series before and after the tenant's rules. */
export interface DryRelabelling {
  readonly before: Labels;
  readonly result: Relabelled;
  readonly steps: readonly RuleStep[];
}

export interface DryRunParts {
  readonly splitOf: StorageWriter['splitOf'];
  readonly relabel: { of(tenant: TenantId): Relabeller | undefined };
}

export class DryRun {
  readonly ingest: Ingest;
  /** The first DRY_POINTS_MAX of what would be stored. */
  readonly points: DryPoint[] = [];
  readonly relabelled: DryRelabelling[] = [];
  /** Of what the protocol wrote; undefined: it did not come so far. */
  report: WriteReport | undefined = undefined;
  metadataCount = 0;
  exemplarCount = 0;
  readonly #series: Labels[] = [];
  readonly #refs = new Map<string, SeriesRef>();

  constructor({ splitOf, relabel }: DryRunParts) {
    this.ingest = new Ingest({
      storage: this.#storage(splitOf),
      // Guards against nobody here: its dictionaries live as long as one body.
      prng: seededPrng(1),
      onWrite: (report) => (this.report = report),
      relabel: { of: (tenant) => this.#watched(relabel.of(tenant)) },
    });
  }

  #watched(relabeller: Relabeller | undefined): Relabelling | undefined {
    if (relabeller === undefined) return undefined;
    return {
      version: relabeller.version,
      apply: (before) => {
        const result = relabeller.apply(before);
        if (this.relabelled.length < DRY_POINTS_MAX)
          this.relabelled.push({ before, result, steps: relabeller.trace(before) });
        return result;
      },
    };
  }

  #storage(splitOf: StorageWriter['splitOf']): IngestStorage {
    return {
      resolve: (_tenant, labels) => this.#ref(labels),
      resolveBytes: (_tenant, labels) => this.#ref(decoded(labels)),
      knows: () => true,
      splitOf,
      append: async (batch) => this.#note(batch),
    };
  }

  #ref(labels: Labels): SeriesRef {
    const key = labelsKey(labels);
    let ref = this.#refs.get(key);
    if (ref === undefined) {
      ref = this.#series.push(labels) - 1;
      this.#refs.set(key, ref);
    }
    return ref;
  }

  #note({ points, metadata, exemplars }: WriteBatch): AppendResult {
    for (const set of points)
      for (let i = 0; i < set.count && this.points.length < DRY_POINTS_MAX; i++)
        this.points.push(this.#point(set, i));
    this.metadataCount = metadata.length;
    this.exemplarCount = exemplars.length;
    return { applied: true };
  }

  #point(set: Points, index: number): DryPoint {
    const value = set.values[index];
    return {
      labels: must(this.#series[set.refs[index]!], 'a ref of this dry run'),
      kind: KIND_NAMES[set.kind],
      tUs: set.tUs[index]!,
      subNs: set.subNs?.[index] ?? 0,
      value: typeof value === 'object' ? '' : String(value),
    };
  }
}

function decoded({ bytes, count, ranges }: LabelBytes): Labels {
  const labels: string[] = [];
  for (let i = 0; i < count; i++) {
    const at = i * RANGE_STRIDE;
    for (const part of [at, at + 2])
      labels.push(must(decodeUtf8(bytes, ranges[part]!, ranges[part + 1]!), 'checked as UTF-8'));
  }
  return labels;
}
