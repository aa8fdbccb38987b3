/**
 * Shapes of the HTTP API the console reads: Prometheus' own, and Orrery's under `orrery/v1`. Times
 * are seconds since 1970; values are strings, so that what the server printed is what an exact
 * display shows.
 */
import type { DecodedRange, RawHistogram } from '../util/decode.ts';
import type { Labels } from '../util/labels.ts';
import type { Grid, RawSample, RawSeries } from '../util/series.ts';

export interface VectorSample {
  readonly metric: Labels;
  readonly value?: RawSample;
  readonly histogram?: readonly [number, RawHistogram];
}

export type InstantResult =
  | { readonly resultType: 'vector'; readonly result: readonly VectorSample[] }
  | { readonly resultType: 'matrix'; readonly result: readonly RawSeries[] }
  | { readonly resultType: 'scalar' | 'string'; readonly result: RawSample };

/** An answer with what the server wants said beside it. */
export interface Answer<T> {
  readonly data: T;
  readonly warnings: readonly string[];
  readonly infos: readonly string[];
}

/** A range answer, and what it cost where the server says so. */
export interface RangeAnswer extends DecodedRange {
  readonly samplesRead: number | undefined;
}

export interface MetricMetadata {
  readonly type: string;
  readonly help: string;
  readonly unit: string;
}

export interface BuildInfo {
  readonly version?: string;
  readonly revision?: string;
}

export interface RangeQuery {
  readonly expr: string;
  readonly grid: Grid;
  readonly lookbackSec: number;
}

export interface InstantQuery {
  readonly expr: string;
  readonly timeSec: number;
  readonly lookbackSec: number;
}

export interface Exemplar {
  readonly labels: Labels;
  readonly value: string;
  readonly timestamp: number;
}

export interface ExemplarSeries {
  readonly seriesLabels: Labels;
  readonly exemplars: readonly Exemplar[];
}

export interface NamedCount {
  readonly name: string;
  readonly value: number;
}

export interface TsdbStatus {
  readonly headStats: { readonly numSeries: number; readonly numLabelPairs: number };
  readonly seriesCountByMetricName: readonly NamedCount[];
  readonly labelValueCountByLabelName: readonly NamedCount[];
  readonly seriesCountByLabelValuePair: readonly NamedCount[];
}

/** One node of a parsed query; what it holds depends on its type. */
export interface ParsedNode {
  readonly type: string;
  readonly [field: string]: unknown;
}

export interface QueryCost {
  readonly seriesCount: number;
  readonly sampleCount: number;
  readonly sizeBytes: number;
}

export interface PlanNode {
  readonly node: string;
  readonly text: string;
  readonly stepCount: number;
  readonly computedSteps: number;
  readonly isShared: boolean;
  readonly seriesRead: number;
  readonly samplesRead: number;
  readonly seriesOut: number;
  readonly timeMs: number;
  readonly selfMs: number;
  readonly children: readonly PlanNode[];
}

export interface Explained {
  readonly estimate: QueryCost;
  readonly cost: { readonly seriesRead: number; readonly samplesRead: number };
  readonly result: {
    readonly type: string;
    readonly seriesCount: number;
    readonly stepCount: number;
  };
  readonly annotations: readonly string[];
  readonly plan: PlanNode;
}

export interface LiveQuery {
  readonly id: string;
  readonly tenant: string;
  readonly language: string;
  readonly text: string;
  readonly startedMs: number;
  readonly elapsedMs: number;
  /** Absent on servers that do not tell. */
  readonly state?: string;
  readonly waitedMs?: number;
  readonly lane?: string;
  readonly cost?: { readonly seriesRead: number; readonly samplesRead: number };
  readonly estimate?: QueryCost | null;
  readonly progress?: number | null;
}

export interface StorageLevel {
  readonly level: number;
  readonly partCount: number;
  readonly sizeBytes: number;
  readonly sampleCount: number;
}

export interface StorageShard {
  readonly shard: number;
  readonly logSizeBytes: number;
  readonly headSamples: number;
  readonly levels: readonly StorageLevel[];
  readonly openDeletes: number;
  readonly merge: { readonly kind: string; readonly progress: number } | null;
  readonly writeAmplification: number | null;
  readonly disk: { readonly freeBytes: number; readonly totalBytes: number } | null;
}

export interface StorageStatus {
  readonly tenants: number;
  readonly shards: readonly StorageShard[];
}

export interface RefusedRow {
  readonly timeMs: number;
  readonly protocol: string;
  readonly peer: string;
  /** 0 where it has none. */
  readonly line: number;
  readonly reason: string;
}

export interface RefusedRows {
  /** Since the start of the server. */
  readonly count: number;
  readonly counts: readonly {
    readonly protocol: string;
    readonly reason: string;
    readonly count: number;
  }[];
  readonly lines: readonly RefusedRow[];
}

export interface RelabelRules {
  readonly tenant: string;
  readonly version: number;
  readonly source: 'tenant' | 'default' | 'none';
  readonly ruleCount: number;
  /** YAML. */
  readonly config: string;
}

export interface RelabelStep {
  readonly rule: {
    readonly line: number;
    readonly action: string;
    readonly source_labels: readonly string[];
    readonly regex: string;
    readonly target_label: string;
  };
  /** Of the source labels, joined. */
  readonly value: string;
  readonly matched: boolean;
  readonly verdict: 'kept' | 'dropped' | 'refused';
  readonly reason?: string;
  readonly set: Readonly<Record<string, string>>;
  readonly removed: readonly string[];
}

export interface RelabelEnd {
  readonly verdict: 'kept' | 'dropped' | 'refused';
  /** null: there is no series. */
  readonly labels: Readonly<Record<string, string>> | null;
  readonly reason?: string;
  readonly rule?: number;
}

export interface RelabelDebug {
  readonly ruleCount: number;
  readonly steps: readonly RelabelStep[];
  readonly result: RelabelEnd;
}

export interface DryPoint {
  readonly labels: Readonly<Record<string, string>>;
  readonly kind: string;
  readonly tUs: number;
  readonly value: string;
  readonly isNewSeries: boolean;
  readonly newestUs: number | null;
  readonly isExpired: boolean;
}

export interface DryStage {
  readonly stage: string;
  readonly verdict: 'ok' | 'refused' | 'dropped' | 'skipped';
  readonly says: string;
  readonly points?: readonly DryPoint[];
  readonly series?: readonly (RelabelEnd & {
    readonly before: Readonly<Record<string, string>>;
    readonly steps: readonly RelabelStep[];
  })[];
}

export interface DryRun {
  readonly protocol: string;
  readonly path: string;
  readonly tenant: string;
  readonly isStored: boolean;
  readonly stages: readonly DryStage[];
  readonly answer: {
    readonly status: number;
    readonly headers: Readonly<Record<string, string>>;
    readonly body: string;
  };
}
