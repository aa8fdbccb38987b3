// A catalog's rows, one after the other: does each make sense by itself and together with the
// others. Keeps parts, deletes and frontiers of each shard; everything else is looked at and left.
import { coverageProblem } from './coverage.ts';
import type { CatalogEntry } from '../catalog/catalog.ts';
import { matcher } from '../model/matcher.ts';
import type { MatchType } from '../model/matcher.ts';
import { errorMessage } from '../stdx/assert.ts';
import { ADVICE } from './check-report.ts';
import type { CheckReport, Loss } from './check-report.ts';
import { SHARDS_MAX } from './limits.ts';
import { OWNERSHIP_KEY } from './names.ts';
import type { PartRow } from './part-format.ts';

/** A row, or the key of one whose checksum is wrong. */
export type CatalogRow = CatalogEntry | { readonly damagedKey: string };

export interface CheckedShard {
  readonly shard: number;
  frontier: number;
  readonly parts: PartRow[];
}

export interface CheckedCatalog {
  readonly shards: ReadonlyMap<number, CheckedShard>;
  /** Rows are missing or not readable: what has no row may have had one. */
  readonly isIncomplete: boolean;
}

const SHARD_KEY = /^shard\/(\d+)\/(frontier|part|delete|batch|split|tenant)(?:\/(.*))?$/s;
const BATCH_ROW_BYTES = 32;

class CatalogCheck {
  readonly shards = new Map<number, CheckedShard>();
  readonly #deletes: { readonly key: string; readonly shard: number; readonly offset: number }[] =
    [];
  readonly #file: string;
  readonly #report: CheckReport;
  #shardCount = 1;
  isIncomplete = false;

  constructor(file: string, report: CheckReport) {
    this.#file = file;
    this.#report = report;
  }

  damage(what: string, lost?: Loss): void {
    const finding = { code: 'catalog-row', file: this.#file, what, advice: ADVICE.restoreAll };
    this.#report.damage(lost === undefined ? finding : { ...finding, lost });
  }

  row(row: CatalogRow): void {
    if ('damagedKey' in row) {
      this.isIncomplete = true;
      this.damage(`the checksum of row '${row.damagedKey}' is wrong`);
      return;
    }
    try {
      this.#sort(row);
    } catch (error) {
      this.isIncomplete = true;
      this.damage(`row '${row.key}': ${errorMessage(error)}`);
    }
  }

  #sort(row: CatalogEntry): void {
    if (row.key === OWNERSHIP_KEY) {
      const { shardCount } = fields(row);
      this.#shardCount = whole(shardCount, 'shardCount', 1, SHARDS_MAX);
      return;
    }
    const match = SHARD_KEY.exec(row.key);
    if (match === null) return;
    const shard = this.#shard(Number(match[1]));
    if (match[2] === 'frontier') shard.frontier = whole(json(row), 'the frontier', 0);
    else if (match[2] === 'part') shard.parts.push(partOf(row, match[3] ?? ''));
    else if (match[2] === 'delete') {
      const offset = deleteOffset(row, match[3] ?? '');
      this.#deletes.push({ key: row.key, shard: shard.shard, offset });
    } else if (match[2] === 'batch') {
      if (row.value.length === 0 || row.value.length % BATCH_ROW_BYTES !== 0)
        throw new Error(`${row.value.length} bytes are no list of batch ids`);
    } else json(row);
  }

  #shard(number: number): CheckedShard {
    let shard = this.shards.get(number);
    if (shard === undefined) {
      shard = { shard: number, frontier: 0, parts: [] };
      this.shards.set(number, shard);
    }
    return shard;
  }

  finish(): void {
    for (let shard = 0; shard < this.#shardCount; shard++) this.#shard(shard);
    for (const { shard } of this.shards.values())
      if (shard >= this.#shardCount)
        this.damage(`rows of shard ${shard}, but there are ${this.#shardCount} shards`);
    for (const { key, shard, offset } of this.#deletes)
      if (offset >= this.#shard(shard).frontier)
        this.damage(`row '${key}': a delete at or above the frontier is in the log, not here`);
    for (const { parts, frontier } of this.shards.values()) {
      const problem = coverageProblem(parts, frontier);
      if (problem !== undefined) this.damage(problem);
    }
  }
}

/** `rows` in any order; what it throws in the middle counts as rows that are missing. */
export async function checkCatalog(
  rows: Iterable<CatalogRow> | AsyncIterable<CatalogRow>,
  file: string,
  report: CheckReport,
): Promise<CheckedCatalog> {
  const check = new CatalogCheck(file, report);
  try {
    for await (const row of rows) check.row(row);
  } catch (error) {
    check.isIncomplete = true;
    check.damage(`its rows cannot be read to the end: ${errorMessage(error)}`);
  }
  if (!check.isIncomplete) check.finish();
  const { shards, isIncomplete } = check;
  return { shards, isIncomplete };
}

function json({ value }: CatalogEntry): unknown {
  return JSON.parse(new TextDecoder().decode(value)) as unknown;
}

function fields(row: CatalogEntry): Record<string, unknown> {
  const value = json(row);
  if (typeof value !== 'object' || value === null) throw new Error('it is no object');
  return value as Record<string, unknown>;
}

function whole(value: unknown, name: string, min: number, max = Number.MAX_SAFE_INTEGER): number {
  if (!Number.isSafeInteger(value) || (value as number) < min || (value as number) > max)
    throw new Error(`${name} is ${JSON.stringify(value)}`);
  return value as number;
}

/** JSON has no infinities: null is an open end. */
function time(value: unknown, name: string, open: number): number {
  if (value === null || value === undefined) return open;
  if (typeof value !== 'number') throw new Error(`${name} is ${JSON.stringify(value)}`);
  return value;
}

function partOf(row: CatalogEntry, name: string): PartRow {
  const value = fields(row);
  if (value['name'] !== name) throw new Error(`it names part ${JSON.stringify(value['name'])}`);
  const number = (key: string): number => whole(value[key], key, 0);
  const part = {
    ...(value as unknown as PartRow),
    name,
    level: number('level'),
    partitionUs: (value['partitionUs'] as number | null | undefined) ?? undefined,
    seqMin: number('seqMin'),
    seqMax: number('seqMax'),
    deletesEnd: number('deletesEnd'),
    minUs: time(value['minUs'], 'minUs', Number.POSITIVE_INFINITY),
    maxUs: time(value['maxUs'], 'maxUs', Number.NEGATIVE_INFINITY),
    seriesCount: number('seriesCount'),
    sampleCount: number('sampleCount'),
    sizeBytes: number('sizeBytes'),
  };
  return part;
}

function deleteOffset(row: CatalogEntry, text: string): number {
  const value = fields(row);
  const offset = whole(value['offset'], 'offset', 0);
  if (offset !== Number(text)) throw new Error(`it says offset ${offset}`);
  time(value['startUs'], 'startUs', 0);
  time(value['endUs'], 'endUs', 0);
  for (const [name, type, wanted] of value['matchers'] as [string, MatchType, string][])
    matcher(name, type, wanted);
  return offset;
}
