/** The answer of one query as the graph keeps it: with the grid it was asked on. */
import type { RangeAnswer } from '../api/types.ts';
import type { Part } from '../util/ask-all.ts';
import type { Grid } from '../util/series.ts';

export type GraphPart = Part<RangeAnswer & { readonly grid: Grid }>;
