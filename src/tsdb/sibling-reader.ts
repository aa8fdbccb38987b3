// Values of blocks that others of the same part are written beside (docs/formats/part.md,
// "Sibling"). What was decoded last is kept, so that a scan in order decodes each link of a chain
// once; a question about one bucket decodes the links before it.
import { KIND } from '../model/columns.ts';
import type { Samples } from '../model/columns.ts';
import type { TenantId } from '../model/tenant.ts';
import { SIBLING_CHAIN_MAX, SIBLINGS_KEPT_MAX } from './limits.ts';
import type { PartIndex } from './part-index.ts';
import type { Part } from './part-reader.ts';
import type { BlockPlace, RowGroup } from './part-rows.ts';

export class SiblingReader {
  readonly #part: Part;
  readonly #tenant: TenantId;
  readonly #index: PartIndex;
  /** By offset of the block. */
  readonly #kept = new Map<number, Float64Array>();

  constructor(part: Part, tenant: TenantId, index: PartIndex) {
    this.#part = part;
    this.#tenant = tenant;
    this.#index = index;
  }

  /** Values that `block` of series `ordinal` is written beside; undefined: it stands alone. */
  async valuesFor(
    ordinal: number,
    block: BlockPlace,
    depth = 0,
  ): Promise<Float64Array | undefined> {
    if (block.sibling === 0) return undefined;
    const wanted = ordinal - block.sibling;
    if (wanted < 0 || depth > SIBLING_CHAIN_MAX)
      throw this.#part.misfit(block, `sibling ${block.sibling} of series ${ordinal}`);
    const table = await this.#index.rowTable();
    const group = await this.#index.rowGroup(table.groupOf(wanted));
    const place = group.blockOf(wanted - group.first, block.times);
    if (place === undefined) throw this.#part.misfit(block, 'its sibling is not there');
    const known = this.#kept.get(place.offset);
    if (known !== undefined) return known;
    const sibling = await this.valuesFor(wanted, place, depth + 1);
    const tUs = await this.#part.times(this.#tenant, this.#index, place.times);
    const window = await this.#part.read(place.offset, place.sizeBytes);
    const samples = this.#part.decode(place, tUs, { window, windowOffset: place.offset }, sibling);
    this.keep(group, place, samples);
    if (samples.kind === KIND.f64) return samples.values;
    throw this.#part.misfit(block, `its sibling is of kind ${samples.kind}`);
  }

  /** A block of the group was decoded; one to come may be written beside it. */
  keep(group: RowGroup, place: BlockPlace, samples: Samples): void {
    if (!group.hasSiblings || samples.kind !== KIND.f64) return;
    if (this.#kept.size === SIBLINGS_KEPT_MAX) this.#kept.clear();
    this.#kept.set(place.offset, samples.values);
  }
}
