// One part, every byte that means something: head, footer against the catalog's row, directory,
// sections, series (check-part-series.ts). Goes on behind damage wherever the layout allows.
import type { CheckReport, Loss } from './check-report.ts';
import { PartFindings, timesOf } from './check-part-findings.ts';
import { checkHead, HEAD_SIZE, readFooterFields } from './check-part-frame.ts';
import { checkSeries, emptySums } from './check-part-series.ts';
import type { SeriesSums } from './check-part-series.ts';
import { CHECK_CACHE_BYTES } from './limits.ts';
import { FOOTER_SIZE } from './part-format.ts';
import type { PartRow, TenantDirectory } from './part-format.ts';
import { ColumnCache } from './column-cache.ts';
import { ExtentCache, SectionCache } from './part-cache.ts';
import { Part } from './part-reader.ts';
import type { PartContext } from './part-reader.ts';
import { partitionRange } from './partitions.ts';

export interface PartToCheck {
  /** From the catalog; from the part's own footer, then with a negative number of series. */
  readonly row: PartRow;
  /** Whole path, for findings. */
  readonly file: string;
  readonly blobs: PartContext['blobs'];
}

/** Throws what is no damage (a failing disk). */
export async function checkPart(what: PartToCheck, report: CheckReport): Promise<void> {
  await new PartCheck(what, report).run();
}

class PartCheck {
  readonly #row: PartRow;
  readonly #blobs: PartContext['blobs'];
  readonly #findings: PartFindings;
  readonly #part: Part;
  readonly #footerOffset: number;

  constructor({ row, file, blobs }: PartToCheck, report: CheckReport) {
    this.#row = row;
    this.#blobs = blobs;
    this.#findings = new PartFindings(report, file, row.name);
    this.#part = new Part(row, {
      blobs,
      cache: new SectionCache(CHECK_CACHE_BYTES),
      extents: new ExtentCache(CHECK_CACHE_BYTES),
      columns: new ColumnCache(0),
      skipCrc: false,
      onCorrupt: () => undefined,
    });
    this.#footerOffset = row.sizeBytes - FOOTER_SIZE;
  }

  async run(): Promise<void> {
    const { sums } = this.#findings.report;
    const before = sums.checkedBytes;
    sums.partCount++;
    await this.#head();
    await this.#footer();
    const where = { code: 'part-directory', offset: this.#footerOffset, lost: this.#whole() };
    const tenants = await this.#findings.attempt(where, () => this.#part.tenants());
    const total = emptySums();
    for (const tenant of tenants ?? []) {
      const sum = await this.#tenant(tenant);
      total.series += sum.series;
      total.samples += sum.samples;
      total.minUs = Math.min(total.minUs, sum.minUs);
      total.maxUs = Math.max(total.maxUs, sum.maxUs);
    }
    if (!this.#findings.isBroken) this.#compareRow(total);
    // What is no block: index, sections, frame.
    this.#findings.progress(Math.max(0, this.#row.sizeBytes - (sums.checkedBytes - before)));
  }

  #whole(): Loss {
    const { seriesCount, sampleCount, minUs, maxUs } = this.#row;
    const series = seriesCount < 0 ? {} : { seriesCount };
    return { ...series, pointCount: sampleCount, ...timesOf(minUs, maxUs) };
  }

  /** Readers do without the head: nothing is lost. */
  async #head(): Promise<void> {
    const where = { code: 'part-head', offset: 0 };
    await this.#findings.attempt(where, async () => {
      const bytes = await this.#blobs.get(this.#row.name, { offset: 0, length: HEAD_SIZE });
      const problem = checkHead(bytes);
      if (problem !== undefined) this.#findings.damage(where, problem);
    });
  }

  async #footer(): Promise<void> {
    const offset = this.#footerOffset;
    const where = { code: 'part-footer', offset, lost: this.#whole() };
    await this.#findings.attempt(where, async () => {
      const bytes = await this.#blobs.get(this.#row.name, { offset, length: FOOTER_SIZE });
      const { seqMin, seqMax, level, sampleCount } = readFooterFields(bytes);
      const { row } = this.#part;
      const isSame =
        level === row.level && sampleCount === row.sampleCount && seqMin === row.seqMin;
      if (isSame && seqMax === row.seqMax) return;
      this.#findings.damage(
        { code: 'part-footer', offset },
        `the footer says level ${level}, records ${seqMin} to ${seqMax}, ${sampleCount} samples; ` +
          `the catalog says ${row.level}, ${row.seqMin} to ${row.seqMax}, ${row.sampleCount}`,
      );
    });
  }

  async #tenant(directory: TenantDirectory): Promise<SeriesSums> {
    const { tenant, sections, seriesCount, sampleCount, minUs, maxUs } = directory;
    const findings = this.#findings;
    const part = this.#part;
    for (const name of ['exemplars', 'attributes', 'metadata'] as const) {
      const where = { code: `part-${name}`, offset: sections[name].offset, lost: { tenant } };
      await findings.attempt(where, async () => (await part[name](tenant)).length);
    }
    const { offset } = sections.index;
    const lost = { tenant, seriesCount, pointCount: sampleCount, ...timesOf(minUs, maxUs) };
    const where = { code: 'part-index', offset, lost };
    const index = await findings.attempt(where, () => part.index(tenant));
    if (index === undefined) return emptySums();
    const wasBroken = findings.isBroken;
    findings.isBroken = false;
    const range = this.#range();
    const sums = await checkSeries({ part, tenant, index, offset, findings, ...range });
    if (!findings.isBroken && (sums.series !== seriesCount || sums.samples !== sampleCount))
      findings.damage(
        { code: 'part-directory', offset: this.#footerOffset },
        `the directory says ${seriesCount} series and ${sampleCount} samples of tenant ${tenant}, ` +
          `there are ${sums.series} and ${sums.samples}`,
      );
    findings.isBroken ||= wasBroken;
    return sums;
  }

  #range(): { readonly startUs: number; readonly endUs: number } {
    const { level, partitionUs } = this.#row;
    if (level === 0 || partitionUs === undefined)
      return { startUs: Number.NEGATIVE_INFINITY, endUs: Number.POSITIVE_INFINITY };
    return partitionRange({ level, startUs: partitionUs });
  }

  /** Exemplars may be earlier or later than all samples, so times are bounds only. */
  #compareRow({ series, samples, minUs, maxUs }: SeriesSums): void {
    const row = this.#row;
    const isSame =
      samples === row.sampleCount &&
      (series === row.seriesCount || row.seriesCount < 0) &&
      minUs >= row.minUs &&
      maxUs <= row.maxUs;
    if (isSame || samples === 0) return;
    this.#findings.damage(
      { code: 'part-row', offset: 0 },
      `it holds ${series} series, ${samples} samples from ${minUs} to ${maxUs}; the catalog says ` +
        `${row.seriesCount}, ${row.sampleCount} from ${row.minUs} to ${row.maxUs}`,
    );
  }
}
