/** Limits that the tenant came to, and what relabelling rules would have done (docs/operations). */
import { sendOwn } from './client.ts';

export interface Breach {
  readonly limit: string;
  readonly at_most: number;
  readonly value: number;
  /** near: nothing was refused, four fifths of the limit were reached. */
  readonly kind: 'refused' | 'near';
  readonly count: number;
  readonly first_at: string;
  readonly last_at: string;
  readonly first: {
    readonly protocol: string;
    readonly peer: string;
    readonly token: string;
    readonly labels?: readonly { readonly name: string; readonly value: string }[];
  } | null;
  readonly series: BreachSeries | null;
}

export interface BreachSeries {
  readonly metric: string;
  /** '' where no label is to blame. */
  readonly label: string;
  readonly values: number;
  /** YAML of rules that would stop it. */
  readonly rules: string;
}

type LabelObject = Readonly<Record<string, string>>;

export interface RelabelPreview {
  readonly series: number;
  readonly kept: number;
  readonly changed: number;
  readonly dropped: number;
  readonly refused: number;
  readonly series_after: number;
  /** false: there are more series than were looked at. */
  readonly whole: boolean;
  readonly examples: readonly {
    readonly before: LabelObject;
    readonly after: LabelObject | null;
  }[];
}

/** Of a tenant, which only admins of all may name; undefined: of the reader's own. */
export async function listBreaches(
  tenant: string | undefined,
  signal?: AbortSignal,
): Promise<readonly Breach[]> {
  const path = tenant === undefined ? 'breaches' : `tenants/${encodeURIComponent(tenant)}/breaches`;
  return (await sendOwn<{ breaches: readonly Breach[] }>(path, {}, signal)).breaches;
}

/** What the rules would have done to the series of the last hour. */
export async function previewRelabel(rules: string, signal?: AbortSignal): Promise<RelabelPreview> {
  return sendOwn('relabel/preview?last=1h', { method: 'POST', body: rules }, signal);
}
