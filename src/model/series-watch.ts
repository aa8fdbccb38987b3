// Who makes a series: the storage knows that one was made, whoever resolves labels knows for whom.
import { decodeUtf8 } from '../codec/utf8.ts';
import type { LabelBytes } from './label-bytes.ts';
import { RANGE_STRIDE } from './label-bytes.ts';
import { labelValue, METRIC_NAME } from './labels.ts';
import type { Labels } from './labels.ts';
import type { SeriesRef } from './columns.ts';
import type { TenantId } from './tenant.ts';

export interface SeriesSender {
  /** '' where there is none. */
  readonly tokenId: string;
  readonly protocol: string;
}

export interface SeriesWatch {
  /** Grows by one with each series that the storage makes. */
  readonly madeCount: number;
  /** One was made. `labels` are borrowed. */
  made(tenant: TenantId, sender: SeriesSender, labels: Labels | LabelBytes): void;
}

/** Resolves the labels of a row: the half of the storage that may make series. */
export interface SeriesResolver {
  resolve(tenant: TenantId, labels: Labels): SeriesRef;
  resolveBytes(tenant: TenantId, labels: LabelBytes): SeriesRef;
}

/** As `resolver`, and tells where that made a series. */
export function watchedResolver(
  resolver: SeriesResolver,
  watch: SeriesWatch,
  sender: () => SeriesSender,
): SeriesResolver {
  return {
    resolve(tenant, labels) {
      const before = watch.madeCount;
      const ref = resolver.resolve(tenant, labels);
      if (watch.madeCount !== before) watch.made(tenant, sender(), labels);
      return ref;
    },
    resolveBytes(tenant, labels) {
      const before = watch.madeCount;
      const ref = resolver.resolveBytes(tenant, labels);
      if (watch.madeCount !== before) watch.made(tenant, sender(), labels);
      return ref;
    },
  };
}

export function isDecoded(labels: Labels | LabelBytes): labels is Labels {
  return Array.isArray(labels);
}

/** Text of a name or a value of the label at a place. */
function textAt({ ranges, bytes }: LabelBytes, at: number): string {
  return decodeUtf8(bytes, ranges[at]!, ranges[at + 1]!) ?? '';
}

/** '' where it has none. */
export function metricOf(labels: Labels | LabelBytes): string {
  if (isDecoded(labels)) return labelValue(labels, METRIC_NAME);
  for (let at = 0; at < labels.count * RANGE_STRIDE; at += RANGE_STRIDE)
    if (isTextAt(labels, at, METRIC_NAME)) return textAt(labels, at + 2);
  return '';
}

/**
 * Which label is this metric's name; -1: none, or the name has other letters than ASCII. Makes no
 * text.
 */
export function nameOf(labels: LabelBytes, metric: string): number {
  for (let i = 0; i < labels.count; i++) {
    const at = i * RANGE_STRIDE;
    if (isTextAt(labels, at, METRIC_NAME)) return isTextAt(labels, at + 2, metric) ? i : -1;
  }
  return -1;
}

function isTextAt({ ranges, bytes }: LabelBytes, at: number, text: string): boolean {
  const start = ranges[at]!;
  if (ranges[at + 1]! - start !== text.length) return false;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 127 || bytes[start + i] !== code) return false;
  }
  return true;
}

export function decodedLabels(labels: Labels | LabelBytes): Labels {
  if (isDecoded(labels)) return labels;
  const texts: string[] = [];
  for (let at = 0; at < labels.count * RANGE_STRIDE; at += RANGE_STRIDE)
    texts.push(textAt(labels, at), textAt(labels, at + 2));
  return texts;
}
