// `POST /orrery/v1/relabel/preview?last=1h`: what rules would have done to the series of the last
// hour, as they are stored. Nothing is changed. The body is a configuration, or empty for the rules
// in force. Values are not read.
import type { RelabelStore } from '../../ingest/relabel-store.ts';
import { ALL_KINDS } from '../../model/columns.ts';
import { labelsKey, labelsToObject, METRIC_NAME } from '../../model/labels.ts';
import type { Labels } from '../../model/labels.ts';
import { matcher } from '../../model/matcher.ts';
import type { StorageReader } from '../../model/storage.ts';
import type { QueryService } from '../../query/query-service.ts';
import { Relabeller } from '../../relabel/relabelling.ts';
import type { Clock } from '../../stdx/clock.ts';
import { nowUs } from '../../stdx/clock.ts';
import type { Scheduler } from '../../stdx/scheduler.ts';
import type { Exchange } from '../http/exchange.ts';
import { durationParam } from '../prometheus/params.ts';
import {
  PREVIEW_EXAMPLES_MAX,
  PREVIEW_SERIES_MAX,
  PREVIEW_SERIES_PER_LOOK,
  PREVIEW_SLICE_MS,
} from './limits.ts';
import { configFrom } from './relabel.ts';

export interface RelabelPreviewDependencies {
  readonly storage: StorageReader;
  readonly queries: QueryService;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly relabel: RelabelStore;
}

const HOUR_US = 3_600_000_000;

interface Example {
  readonly before: Readonly<Record<string, string>>;
  /** null: there is no series any more. */
  readonly after: Readonly<Record<string, string>> | null;
}

class Preview {
  readonly #relabeller: Relabeller;
  readonly #distinct = new Set<string>();
  readonly #examples: Example[] = [];
  seriesCount = 0;
  kept = 0;
  changed = 0;
  dropped = 0;
  refused = 0;

  constructor(relabeller: Relabeller) {
    this.#relabeller = relabeller;
  }

  add(labels: Labels): void {
    this.seriesCount++;
    const result = this.#relabeller.apply(labels);
    if (result.kind !== 'kept') {
      this[result.kind]++;
      this.#show(labels, undefined);
      return;
    }
    const key = labelsKey(result.labels);
    this.#distinct.add(key);
    if (key === labelsKey(labels)) this.kept++;
    else {
      this.changed++;
      this.#show(labels, result.labels);
    }
  }

  #show(before: Labels, after: Labels | undefined): void {
    if (this.#examples.length >= PREVIEW_EXAMPLES_MAX) return;
    const shown = after === undefined ? null : labelsToObject(after);
    this.#examples.push({ before: labelsToObject(before), after: shown });
  }

  toJson() {
    const { seriesCount, kept, changed, dropped, refused } = this;
    return {
      series: seriesCount,
      kept,
      changed,
      dropped,
      refused,
      series_after: this.#distinct.size,
      examples: this.#examples,
    };
  }
}

export async function previewRelabel(
  deps: RelabelPreviewDependencies,
  exchange: Exchange,
): Promise<void> {
  const { queries, clock } = deps;
  const { principal, signal, search } = exchange;
  const body = await exchange.body();
  const config =
    body.length === 0 ? deps.relabel.get(principal.tenant) : await configFrom(exchange, body);
  if (config === undefined) return;
  const lastUs = durationParam(search, 'last') ?? HOUR_US;
  const endUs = nowUs(clock);
  const preview = new Preview(new Relabeller(config.rules, 0));
  const request = { principal, language: 'relabel', text: '', timeoutMs: undefined, signal };
  const isWhole = await queries.run(request, async ({ context }) => {
    const matchers = [matcher(METRIC_NAME, '!=', '')];
    const selected = { startUs: endUs - lastUs, endUs, matchers, kinds: ALL_KINDS };
    let sliceStartMs = clock.monotonicMs();
    for await (const { labels } of deps.storage.selectBlocks(context, selected)) {
      if (preview.seriesCount === PREVIEW_SERIES_MAX) return false;
      preview.add(labels);
      if (preview.seriesCount % PREVIEW_SERIES_PER_LOOK !== 0) continue;
      if (clock.monotonicMs() - sliceStartMs < PREVIEW_SLICE_MS) continue;
      await deps.scheduler.yieldTurn();
      sliceStartMs = clock.monotonicMs();
    }
    return true;
  });
  exchange.sendJson(200, {
    tenant: principal.tenant,
    from: new Date((endUs - lastUs) / 1000).toISOString(),
    to: new Date(endUs / 1000).toISOString(),
    rules: config.rules.length,
    whole: isWhole,
    ...preview.toJson(),
  });
}
