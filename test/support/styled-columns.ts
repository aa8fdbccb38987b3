// Columns of random shapes for the fuzz of encoders: counters, gauges, walks and outliers of every
// size. Deterministic.
import { noise } from './nasty-columns.ts';

export interface ColumnStyle {
  readonly count: number;
  /** Of the largest numbers. */
  readonly bits: number;
  /** 0 to 7: one of those below; what is above is the caller's. */
  readonly style: number;
  readonly seed: number;
  /** Of what is rare, in per cent. */
  readonly odds: number;
}

/** Of one sample, what a caller's own style is made from. */
export interface StyledSample {
  readonly i: number;
  /** In [0, 1). */
  readonly x: number;
  readonly isRare: boolean;
  readonly magnitude: number;
}

export function styledColumn(
  { count, bits, style, seed, odds }: ColumnStyle,
  other: (sample: StyledSample) => number,
): Float64Array<ArrayBuffer> {
  const magnitude = 2 ** bits;
  let walk = 0;
  return Float64Array.from({ length: count }, (_, i) => {
    const x = noise(seed + i);
    const isRare = noise(seed ^ (i * 7)) * 100 < odds;
    if (style === 0) return Math.floor((x - 0.5) * magnitude);
    if (style === 1) return isRare ? (walk += Math.floor((x * magnitude) / count)) : walk;
    if (style === 2) return 5 * i + (isRare ? Math.floor((x * magnitude) / 4) : 0);
    if (style === 3) return Math.floor(x ** 8 * (magnitude / 4));
    if (style === 4) return (walk += Math.floor((x * magnitude) / count));
    if (style === 5) return (walk = Math.max(0, Math.min(100, walk + Math.floor(x * 7) - 3)));
    if (style === 6) return (walk += 1000 + Math.floor(x * 3)) * 64 + (isRare ? 1 : 0);
    if (style === 7) return isRare ? -Math.floor(x * magnitude) : Math.floor(x * 4);
    return other({ i, x, isRare, magnitude });
  });
}
