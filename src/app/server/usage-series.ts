// `orrery_usage_*`: what a tenant used since the server started, as series in its own data.
import { Page } from '../../agent/page.ts';
import type { SampleType } from '../../agent/page.ts';
import { expositionScan } from '../../formats/exposition.ts';
import type { Ingest } from '../../ingest/ingest.ts';
import { openPrincipal } from '../../model/tenant.ts';
import type { TenantId } from '../../model/tenant.ts';
import type { Clock } from '../../stdx/clock.ts';
import { nowUs } from '../../stdx/clock.ts';
import { STORED_PROTOCOL, TOLD_PROTOCOL } from '../../tenancy/usage-rows.ts';
import type { UsageValue } from '../../tenancy/usage-rows.ts';
import type { UsageTotal } from '../../tenancy/usage-totals.ts';

interface Family {
  readonly name: string;
  readonly type: SampleType;
  readonly help: string;
  readonly of: UsageValue;
}

function counter(name: string, of: UsageValue, help: string): Family {
  return { name: `orrery_usage_${name}_total`, type: 'counter', help, of };
}

function gauge(name: string, of: UsageValue, help: string): Family {
  return { name: `orrery_usage_${name}`, type: 'gauge', help, of };
}

/** By token and protocol. */
const USED: readonly Family[] = [
  counter('points_written', 'pointsWritten', 'Points written.'),
  counter('points_read', 'pointsRead', 'Points that queries read.'),
  counter('requests', 'requests', 'Writes and queries that ended.'),
  counter('queries', 'queries', 'Queries that ended.'),
  counter('query_cost', 'queryCost', 'Cost of queries: points read, and 100 a series.'),
];
/** Of the tenant. */
const KEPT: readonly Family[] = [
  gauge('active_series', 'activeSeries', 'Series written within the last hour.'),
  gauge('stored_bytes', 'bytesStored', 'Bytes on disk.'),
];

function isKept({ protocol }: UsageTotal): boolean {
  return protocol === STORED_PROTOCOL;
}

function usagePage(totals: readonly UsageTotal[]): string {
  const page = new Page();
  const used = totals.filter((total) => !isKept(total));
  for (const family of USED) {
    page.family(family.name, family.type, family.help);
    for (const { tokenId, protocol, values } of used) {
      const labels = ['protocol', protocol, 'token', tokenId];
      page.sample(family.name, labels, values[family.of] ?? 0);
    }
  }
  for (const { name, type, help, of } of KEPT) {
    const kept = totals.find(isKept);
    if (kept !== undefined) page.single(name, type, help, kept.values[of] ?? 0);
  }
  return page.toString();
}

/** Throws AppError where a limit of the tenant refuses it. */
export async function writeUsageSeries(
  { ingest, clock }: { readonly ingest: Ingest; readonly clock: Clock },
  tenant: TenantId,
  totals: readonly UsageTotal[],
): Promise<void> {
  if (totals.length === 0) return;
  const body = Buffer.from(usagePage(totals));
  const format = 'prometheus-text';
  const scanner = await expositionScan(format);
  const options = { defaultTimeUs: nowUs(clock), mode: 'import', extraLabels: [] } as const;
  await ingest.write(openPrincipal(tenant), {
    protocol: TOLD_PROTOCOL,
    profileKey: format,
    durability: 'sync',
    batchId: undefined,
    sizeBytes: body.length,
    scan: (dictionary, sink) => scanner(body, body.length, options, dictionary, sink),
  });
}
