// `GET /orrery/v1/collisions`: metric names of the tenant that several measurements and fields of
// line protocol share (docs/protocols/influx.md, docs/decisions/0046). Nothing is kept for it: the
// first split of a name stands with the name, the others in the label of their series, so what was
// deleted is not shown. Values are not decoded.
import type { NameSplit } from '../../model/columns.ts';
import { ALL_KINDS } from '../../model/columns.ts';
import { labelValue, METRIC_NAME } from '../../model/labels.ts';
import { matcher } from '../../model/matcher.ts';
import type { Matcher } from '../../model/matcher.ts';
import { ORIGIN_LABEL, splitOfOrigin } from '../../model/name-splits.ts';
import type { ReadContext, SelectedBlocks, StorageReader } from '../../model/storage.ts';
import type { QueryService } from '../../query/query-service.ts';
import type { Exchange } from '../http/exchange.ts';
import { COLLISION_NAMES_MAX } from './limits.ts';

const ALL_TIME = { startUs: -Number.MAX_SAFE_INTEGER, endUs: Number.MAX_SAFE_INTEGER };

export interface CollisionDependencies {
  readonly queries: QueryService;
  readonly storage: StorageReader;
}

/** What there is of one split of a name. */
interface Tally {
  readonly measurement: string;
  readonly field: string;
  /** Value of the label of its series; null: the first split, its series have none. */
  readonly origin: string | null;
  seriesCount: number;
  /** Oldest and newest point; null where there is no series. */
  sinceUs: number | null;
  untilUs: number | null;
}

interface Collision {
  readonly name: string;
  /** The first one first. */
  readonly splits: readonly Tally[];
}

function tallyOf({ measurement, field }: NameSplit, origin: string | null): Tally {
  return { measurement, field, origin, seriesCount: 0, sinceUs: null, untilUs: null };
}

function count(tally: Tally, { chunks }: SelectedBlocks): void {
  const first = chunks[0]!;
  const last = chunks.at(-1)!;
  const lastCount = 'block' in last ? last.tUs.length : last.count;
  tally.seriesCount++;
  tally.sinceUs = Math.min(tally.sinceUs ?? Infinity, first.tUs[0]!);
  tally.untilUs = Math.max(tally.untilUs ?? -Infinity, last.tUs[lastCount - 1]!);
}

class Survey {
  readonly #storage: StorageReader;
  readonly #context: ReadContext;

  constructor(storage: StorageReader, context: ReadContext) {
    this.#storage = storage;
    this.#context = context;
  }

  #select(matchers: readonly Matcher[]): AsyncIterable<SelectedBlocks> {
    const request = { ...ALL_TIME, matchers, kinds: ALL_KINDS };
    return this.#storage.selectBlocks(this.#context, request);
  }

  /** By name and label, in the order of labels. */
  async #later(): Promise<ReadonlyMap<string, ReadonlyMap<string, Tally>>> {
    const byName = new Map<string, Map<string, Tally>>();
    for await (const series of this.#select([matcher(ORIGIN_LABEL, '!=', '')])) {
      const name = labelValue(series.labels, METRIC_NAME);
      const origin = labelValue(series.labels, ORIGIN_LABEL);
      // A label of this name that somebody else wrote.
      const split = splitOfOrigin(name, origin);
      if (split === undefined) continue;
      let ofName = byName.get(name);
      if (ofName === undefined) byName.set(name, (ofName = new Map()));
      let tally = ofName.get(origin);
      if (tally === undefined) ofName.set(origin, (tally = tallyOf(split, origin)));
      count(tally, series);
    }
    return byName;
  }

  async #first(split: NameSplit): Promise<Tally> {
    const tally = tallyOf(split, null);
    const matchers = [matcher(METRIC_NAME, '=', split.name), matcher(ORIGIN_LABEL, '=', '')];
    for await (const series of this.#select(matchers)) count(tally, series);
    return tally;
  }

  async run(): Promise<{ readonly count: number; readonly collisions: readonly Collision[] }> {
    const later = await this.#later();
    if (later.size === 0) return { count: 0, collisions: [] };
    const firsts = new Map<string, NameSplit>();
    for (const split of await this.#storage.splits(this.#context)) firsts.set(split.name, split);
    const collisions: Collision[] = [];
    for (const [name, tallies] of [...later].slice(0, COLLISION_NAMES_MAX)) {
      const first = firsts.get(name);
      const own = first === undefined ? [] : [await this.#first(first)];
      collisions.push({ name, splits: [...own, ...tallies.values()] });
    }
    return { count: later.size, collisions };
  }
}

export async function listCollisions(
  { queries, storage }: CollisionDependencies,
  exchange: Exchange,
): Promise<void> {
  const { principal, signal } = exchange;
  const request = { principal, language: 'collisions', text: '', timeoutMs: undefined, signal };
  const found = await queries.run(request, ({ context }) => new Survey(storage, context).run());
  exchange.sendJson(200, { tenant: principal.tenant, ...found });
}
