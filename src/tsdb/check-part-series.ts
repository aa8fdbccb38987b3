// The series of one tenant in a part: the index piece by piece, postings held against rows, labels
// in order, each block decoded and held against the index and its own aggregates. Memory: a row
// group, the groups of values it needs, a window of blocks.
import { factsOf, VALUE_FLAG } from '../codec/aggregates.ts';
import { readBodyHeader } from '../codec/block.ts';
import { KIND } from '../model/columns.ts';
import type { Samples } from '../model/columns.ts';
import { compareLabels, compareUtf8, METRIC_NAME } from '../model/labels.ts';
import type { Labels } from '../model/labels.ts';
import { timesOf } from './check-part-findings.ts';
import type { PartFindings, PlacedLoss } from './check-part-findings.ts';
import { readTexts, TextBatches } from './group-texts.ts';
import { CURSOR_TIMES_MAX, READ_CHUNK_BYTES, VALUE_GROUP_COUNT } from './limits.ts';
import type { PartIndex } from './part-index.ts';
import type { Part } from './part-reader.ts';
import type { BlockPlace, RowGroup } from './part-rows.ts';
import type { LabelValues, ValueGroup } from './part-values.ts';
import { SiblingReader } from './sibling-reader.ts';

/** What was found, summed while it is read. */
export interface SeriesSums {
  series: number;
  samples: number;
  minUs: number;
  maxUs: number;
}

export function emptySums(): SeriesSums {
  const [minUs, maxUs] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  return { series: 0, samples: 0, minUs, maxUs };
}

export interface SeriesToCheck {
  readonly part: Part;
  readonly tenant: string;
  readonly index: PartIndex;
  /** Of the index's root. */
  readonly offset: number;
  readonly findings: PartFindings;
  /** Times that the part may hold. */
  readonly startUs: number;
  readonly endUs: number;
}

export async function checkSeries(what: SeriesToCheck): Promise<SeriesSums> {
  return await new SeriesCheck(what).run();
}

/** A hash of one label of one series; sums of them do not depend on the order. */
function labelHash(ordinal: number, rank: number): number {
  const h = Math.imul(ordinal + 0x9e37, 0x85ebca6b) ^ Math.imul(rank + 0x79b1, 0xc2b2ae35);
  return Math.imul(h ^ (h >>> 15), 0x2c1b3c6d);
}

/** Lists of the values of one group, one behind the other. */
function postingsHash(counts: Uint32Array, ordinals: Uint32Array, firstRank: number): number {
  let hash = 0;
  let from = 0;
  for (let at = 0; at < counts.length; at++) {
    const end = from + counts[at]!;
    for (; from < end; from++) hash = (hash + labelHash(ordinals[from]!, firstRank + at)) | 0;
  }
  return hash;
}

class SeriesCheck {
  readonly #what: SeriesToCheck;
  readonly #sums = emptySums();
  readonly #window: BlockWindow;
  readonly #siblings: SiblingReader;
  /** Per label: what the rows say, to be held against the postings. */
  readonly #rowHashes: Int32Array;
  readonly #times = new Map<number, Float64Array>();
  /** Kept from row group to row group, emptied by readTexts where they are many. */
  readonly #valueGroups = new Map<number, ValueGroup>();
  readonly #textBatches: TextBatches;
  #before: Labels | undefined = undefined;
  #areRowsWhole = true;

  constructor(what: SeriesToCheck) {
    this.#what = what;
    this.#window = new BlockWindow(what.part, (sizeBytes) => what.findings.progress(sizeBytes));
    this.#siblings = new SiblingReader(what.part, what.tenant, what.index);
    this.#rowHashes = new Int32Array(what.index.labels.length);
    this.#textBatches = new TextBatches(
      what.index,
      () => true,
      async () => undefined,
    );
  }

  async run(): Promise<SeriesSums> {
    const { index, findings, tenant, offset } = this.#what;
    const lost = { tenant, seriesCount: index.seriesCount };
    const where = { code: 'part-index', offset, lost };
    const table = await findings.attempt(where, () => index.rowTable());
    const times = await findings.attempt(where, () => index.timeTable());
    if (table !== undefined && times !== undefined)
      for (let group = 0; group < table.groupCount; group++) {
        const seriesCount = table.starts[group + 1]! - table.starts[group]!;
        const place = table.place(group);
        const range = timesOf(table.minUs[group]!, table.maxUs[group]!);
        const placed = { code: 'part-index', offset: place.offset };
        const rows = await findings.attempt(
          { ...placed, lost: { tenant, seriesCount, ...range } },
          () => index.rowGroup(group),
        );
        if (rows === undefined) this.#areRowsWhole = false;
        else await this.#rows(rows, group, place.offset);
      }
    for (const [label, values] of index.labels.entries()) await this.#values(values, label);
    return this.#sums;
  }

  // -------------------------------------------------------------- values and postings

  async #values(values: LabelValues, label: number): Promise<void> {
    const { findings, tenant } = this.#what;
    const { name, valueCount, seriesCount, table } = values.info;
    const where = { code: 'part-index', offset: table.offset, lost: { tenant } };
    let before: string | undefined;
    let found = 0;
    let hash = 0;
    let isWhole = this.#areRowsWhole;
    for (let first = 0; first < valueCount; first += VALUE_GROUP_COUNT) {
      const number = first / VALUE_GROUP_COUNT;
      const group = await findings.attempt(where, () => values.group(number));
      if (group === undefined) {
        isWhole = false;
        continue;
      }
      for (const text of group.texts()) {
        if (text === '' || (before !== undefined && compareUtf8(before, text) >= 0))
          findings.damage(where, `value "${text}" of label ${name} is out of order`);
        before = text;
      }
      const ranks = Array.from(group.counts, (_, at) => first + at);
      const count = group.counts.reduce((sum, one) => sum + one, 0);
      const ordinals = await findings.attempt(where, () => values.postings(ranks, count));
      found += count;
      if (ordinals === undefined) isWhole = false;
      else hash = (hash + postingsHash(group.counts, ordinals, first)) | 0;
    }
    if (!isWhole || (found === seriesCount && hash === this.#rowHashes[label])) return;
    findings.damage(where, `the postings of label ${name} are not what the rows say`);
  }

  // -------------------------------------------------------------- rows

  async #rows(group: RowGroup, number: number, offset: number): Promise<void> {
    const { index, findings, tenant } = this.#what;
    const where = { code: 'part-index', offset, lost: { tenant, seriesCount: group.count } };
    const ordinals = Uint32Array.from({ length: group.count }, (_, row) => group.first + row);
    const texts = await findings.attempt(where, async () => {
      if (this.#textBatches.needs(number)) await this.#textBatches.load(number);
      return readTexts(index, group, ordinals, this.#valueGroups, this.#textBatches);
    });
    await findings.attempt(where, () => this.#hashRows(group));
    for (let row = 0; row < group.count; row++) {
      const ordinal = group.first + row;
      const labels = await findings.attempt(where, () => texts?.labels(row));
      this.#sums.series++;
      findings.report.sums.seriesCount++;
      const problem = labels === undefined ? undefined : labelsProblem(labels, this.#before);
      if (problem !== undefined) findings.damage(where, `series ${ordinal}: ${problem}`);
      this.#before = labels ?? this.#before;
      const name = (): string =>
        labels === undefined ? `series number ${ordinal}` : labelsText(labels);
      await this.#blocks(group, row, name);
    }
  }

  #hashRows(group: RowGroup): void {
    for (const [place, label] of group.labels.entries()) {
      const ranks = group.ranks(place);
      let hash = this.#rowHashes[label]!;
      for (let row = 0; row < group.count; row++)
        if (ranks[row] !== 0) hash = (hash + labelHash(group.first + row, ranks[row]! - 1)) | 0;
      this.#rowHashes[label] = hash;
    }
  }

  // -------------------------------------------------------------- blocks

  /** `series` names it for findings; made when there is one. */
  async #blocks(group: RowGroup, row: number, series: () => string): Promise<void> {
    const { findings } = this.#what;
    let lastUs = Number.NEGATIVE_INFINITY;
    for (const place of group.blocks(row, -Infinity, Infinity)) {
      findings.report.sums.blockCount++;
      if (place.firstUs < lastUs)
        findings.damage(this.#placed(place, series), `blocks of ${series()} overlap`);
      lastUs = place.lastUs;
      try {
        await this.#block(group, row, place, series);
      } catch (error) {
        // Again, now with what it is about: damage is rare, blocks are many.
        await findings.attempt(this.#placed(place, series), () => {
          throw error;
        });
      }
    }
  }

  #placed({ offset, count, firstUs, lastUs }: BlockPlace, series: () => string): PlacedLoss {
    const range = timesOf(firstUs, lastUs);
    const { tenant } = this.#what;
    const lost = { tenant, series: series(), seriesCount: 1, pointCount: count, ...range };
    return { code: 'part-block', offset, lost };
  }

  async #block(
    group: RowGroup,
    row: number,
    place: BlockPlace,
    series: () => string,
  ): Promise<void> {
    const tUs = await this.#timesOf(place.times);
    const sibling = await this.#siblings.valuesFor(group.first + row, place);
    const { samples, header } = await this.#window.read(place, tUs, sibling);
    this.#siblings.keep(group, place, samples);
    const problem =
      timesProblem(samples, place) ??
      this.#rangeProblem(place) ??
      aggregatesProblem(samples, header);
    if (problem !== undefined)
      this.#what.findings.damage(this.#placed(place, series), `block of ${series()}: ${problem}`);
    this.#add(samples.count, place.firstUs, place.lastUs);
  }

  async #timesOf(number: number): Promise<Float64Array> {
    let times = this.#times.get(number);
    if (times === undefined) {
      const { part, tenant, index } = this.#what;
      times = await part.times(tenant, index, number);
      if (this.#times.size === CURSOR_TIMES_MAX) this.#times.clear();
      this.#times.set(number, times);
    }
    return times;
  }

  #add(count: number, firstUs: number, lastUs: number): void {
    const sums = this.#sums;
    sums.samples += count;
    sums.minUs = Math.min(sums.minUs, firstUs);
    sums.maxUs = Math.max(sums.maxUs, lastUs);
    this.#what.findings.report.sums.sampleCount += count;
  }

  #rangeProblem({ firstUs, lastUs }: BlockPlace): string | undefined {
    const { startUs, endUs } = this.#what;
    if (firstUs >= startUs && lastUs <= endUs) return undefined;
    return `times ${firstUs} to ${lastUs} are outside the partition`;
  }
}

interface ReadBlock {
  readonly samples: Samples;
  readonly header: ReturnType<typeof readBodyHeader>;
}

/** Blocks read in windows: their order in the file is the order they are asked for. */
class BlockWindow {
  readonly #part: Part;
  readonly #onBytes: (sizeBytes: number) => void;
  #bytes: Uint8Array = new Uint8Array(0);
  #start = 0;

  constructor(part: Part, onBytes: (sizeBytes: number) => void) {
    this.#part = part;
    this.#onBytes = onBytes;
  }

  async read(
    place: BlockPlace,
    tUs: Float64Array,
    sibling: Float64Array | undefined,
  ): Promise<ReadBlock> {
    const { offset, sizeBytes, kind, count } = place;
    const end = this.#start + this.#bytes.length;
    if (offset < this.#start || offset + sizeBytes > end) {
      const left = this.#part.row.sizeBytes - offset;
      const length = Math.max(sizeBytes, Math.min(READ_CHUNK_BYTES, left));
      this.#bytes = await this.#part.read(offset, length, true);
      this.#start = offset;
    }
    this.#onBytes(sizeBytes);
    const bytes = { window: this.#bytes, windowOffset: this.#start };
    const samples = this.#part.decode(place, tUs, bytes, sibling);
    const body = { start: offset - this.#start, sizeBytes, kind, count };
    // The checksum has just been compared.
    return { samples, header: readBodyHeader(this.#bytes, body, { skipCrc: true }) };
  }
}

// ---------------------------------------------------------------- what is wrong, in words

/** `name{label="value"}`. */
function labelsText(labels: Labels): string {
  let name = '';
  const pairs: string[] = [];
  for (let i = 0; i < labels.length; i += 2)
    if (labels[i] === METRIC_NAME) name = labels[i + 1]!;
    else pairs.push(`${labels[i]}=${JSON.stringify(labels[i + 1])}`);
  return `${name}{${pairs.join(',')}}`;
}

function labelsProblem(labels: Labels, before: Labels | undefined): string | undefined {
  if (labels.length === 0) return 'it has no labels';
  for (let i = 0; i < labels.length; i += 2) {
    if (labels[i] === '' || labels[i + 1] === '') return `an empty label in ${labelsText(labels)}`;
    if (i > 0 && compareUtf8(labels[i - 2]!, labels[i]!) >= 0)
      return `labels out of order in ${labelsText(labels)}`;
  }
  if (before === undefined || compareLabels(before, labels) < 0) return undefined;
  return `${labelsText(labels)} does not come after ${labelsText(before)}`;
}

function timesProblem(samples: Samples, { firstUs, lastUs }: BlockPlace): string | undefined {
  const { tUs, subNs, count } = samples;
  if (tUs[0] !== firstUs || tUs[count - 1] !== lastUs)
    return `times ${tUs[0]} to ${tUs[count - 1]}, the index says ${firstUs} to ${lastUs}`;
  for (let i = 1; i < count; i++) {
    const isLater =
      tUs[i]! > tUs[i - 1]! ||
      (tUs[i] === tUs[i - 1] && subNs !== undefined && subNs[i]! > subNs[i - 1]!);
    if (!isLater) return `time ${tUs[i]} at sample ${i} does not come after ${tUs[i - 1]}`;
  }
  return undefined;
}

const VALUE_FLAGS = VALUE_FLAG.noReset | VALUE_FLAG.allInteger | VALUE_FLAG.hasStale;
const AGGREGATES = ['min', 'max', 'sum', 'first', 'last', 'increase'] as const;

/** Does the block say of itself what its values say? */
function aggregatesProblem(samples: Samples, header: ReadBlock['header']): string | undefined {
  const { count } = samples;
  if (samples.kind === KIND.string || samples.kind === KIND.histogram) return undefined;
  const numbers =
    samples.kind === KIND.f64
      ? samples.values
      : Float64Array.from({ length: count }, (_, i) => Number(samples.values[i]));
  const facts = factsOf(numbers, count);
  if ((header.flags & VALUE_FLAGS) !== (facts.flags & VALUE_FLAGS))
    return `its flags say ${header.flags & VALUE_FLAGS}, its values ${facts.flags & VALUE_FLAGS}`;
  const { aggregates } = header;
  if (aggregates === undefined) return undefined;
  const wrong = AGGREGATES.find((name) => !Object.is(aggregates[name], facts[name]));
  if (wrong === undefined) return undefined;
  return `its ${wrong} is ${aggregates[wrong]}, that of its values ${facts[wrong]}`;
}
