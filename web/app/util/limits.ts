/**
 * Bounds of the console. They protect the page, not the server: the server has its own.
 */

/** Series drawn in one graph; above it the page says so and draws the first ones. */
export const DRAWN_SERIES_MAX = 1000;
/** Up to here the chart's library draws the lines; above, they are drawn in slices. */
export const WHOLE_SERIES_MAX = 64;
/** Time a slice of drawing may take before the page gets to breathe. */
export const DRAW_SLICE_MS = 8;
/** Points a slice draws at most: browsers put strokes on the canvas later than they take them. */
export const DRAW_SLICE_POINTS = 50_000;
/** Answers longer than this are read in a worker. */
export const DECODE_HERE_BYTES_MAX = 128 * 1024;
/** Queries of one view, with letters A to H. */
export const QUERIES_MAX = 8;
/** Rows of the instant table. */
export const TABLE_ROWS_MAX = 1000;
/** Rows of the legend before the reader asks for the rest. */
export const LEGEND_ROWS_MAX = 100;
/** Series named in the tooltip of a chart. */
export const TOOLTIP_ROWS_MAX = 10;
/** Metric names listed on Home when no host metrics exist. */
export const HOME_NAMES_MAX = 60;
/** Points asked for in one range query; one per pixel on all but the widest screens. */
export const RANGE_POINTS_MAX = 4000;
/** Longest address of a GET request; longer queries go as a POST form. */
export const GET_URL_CHARS_MAX = 4000;
/** Label columns of the instant table; the rest is joined in the last one. */
export const TABLE_LABEL_COLUMNS_MAX = 12;
/** Prometheus' default lookback; sparse data gets one step when that is longer. */
export const LOOKBACK_MIN_SEC = 300;
/** Nothing is shown for a request shorter than this. */
export const SKELETON_AFTER_MS = 300;
/** From here on a request shows its progress and a way to cancel it. */
export const PROGRESS_AFTER_MS = 2000;
/** A pause in typing after which the cost of the query is asked for. */
export const ESTIMATE_AFTER_MS = 400;
/** A pause in typing after which a dry run or rules are tried. */
export const TRY_AFTER_MS = 300;
/** Longest address with what was typed; beyond, it is left out. */
export const TYPED_URL_CHARS_MAX = 8000;
/** How often the list of running queries is read while somebody looks at it. */
export const LIVE_QUERIES_EVERY_MS = 1000;
/** Names and values that completion asks for and offers at most. */
export const COMPLETION_NAMES_MAX = 20_000;
/** Characters of raw JSON on the page; copying takes all. */
export const JSON_CHARS_MAX = 100_000;
/** Exemplars drawn and listed, the newest. */
export const EXEMPLARS_MAX = 200;
/** Metrics listed at once in the metric browser. */
export const METRICS_ROWS_MAX = 200;
/** Series of one metric whose labels are read; beyond, the counts say "of the first". */
export const METRIC_SERIES_MAX = 2000;
/** Values listed under one label before the reader asks for all. */
export const LABEL_VALUES_MAX = 12;
/** Entries of the palette at one time. */
export const PALETTE_ROWS_MAX = 12;
/** Rows of the cardinality tables of Status. */
export const CARDINALITY_ROWS = 10;
/** Rows of the most labelled metrics that one request may ask for. */
export const METRIC_COUNTS_MAX = 10_000;
