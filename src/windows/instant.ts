// The instant selector: the newest sample of (t - lookback, t], nothing where it is a staleness
// marker. `timestamp` answers that sample's time in seconds instead of its value.
import type { SeriesSamples } from './samples.ts';
import type { Windows } from './sliding.ts';
import type { StepColumn } from './step-column.ts';

const US_PER_SEC = 1e6;

/** `floats` and `histograms` are walked over the same steps with the lookback as window. */
export function instantKernel(
  s: SeriesSamples,
  floats: Windows,
  histograms: Windows | undefined,
  out: StepColumn,
  wantsTime: boolean,
): void {
  const others = s.histograms;
  if (others === undefined && s.stale === undefined && !wantsTime)
    return plainInstants(s, floats, out);
  for (let k = 0; k < floats.grid.count; k++) {
    const f = floats.hi[k]! > floats.lo[k]! ? floats.hi[k]! - 1 : -1;
    const h =
      histograms !== undefined && histograms.hi[k]! > histograms.lo[k]!
        ? histograms.hi[k]! - 1
        : -1;
    if (h >= 0 && others !== undefined && (f < 0 || others.tUs[h]! >= s.tUs[f]!)) {
      if (others.stale?.[h] === 1) continue;
      if (wantsTime) out.setFloat(k, others.tUs[h]! / US_PER_SEC);
      else out.setHistogram(k, others.values[h]!);
    } else if (f >= 0 && s.stale?.[f] !== 1)
      out.setFloat(k, wantsTime ? s.tUs[f]! / US_PER_SEC : s.values[f]!);
  }
}

/** Floats without markers. */
function plainInstants({ values }: SeriesSamples, { lo, hi }: Windows, out: StepColumn): void {
  for (let k = 0; k < out.count; k++) {
    const at = hi[k]! - 1;
    if (at >= lo[k]!) out.setFloat(k, values[at]!);
  }
}
