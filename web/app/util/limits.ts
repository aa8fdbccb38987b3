/**
 * Bounds of the console. They protect the page, not the server: the server has its own.
 */

/** Series drawn in one graph; above it the page says so and draws the first ones. */
export const DRAWN_SERIES_MAX = 500;
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
