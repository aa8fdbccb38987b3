// Bounds of the PromQL front end. They protect the stack and the ingest thread from hostile
// queries; the longest expressions of public dashboards and rules stay far below them.

/** Longest query text, in UTF-16 code units. */
export const QUERY_LENGTH_MAX = 262_144;

/**
 * Deepest nesting of parentheses, calls, signs and powers while parsing (about eight stack frames
 * each).
 */
export const NESTING_DEPTH_MAX = 300;

/** Deepest finished tree: everything after the parser may recurse over it. */
export const EXPR_DEPTH_MAX = 1_000;

/** Complaints one parse gathers before it gives up. */
export const PARSE_ISSUES_MAX = 100;

/** Longest complaint; what is quoted from the query is cut there. */
export const ISSUE_LENGTH_MAX = 400;

/** Line length from which the pretty printer breaks an expression. */
export const PRETTY_LINE_LENGTH_MAX = 100;

/** Characters of a label value that `label_replace` or `label_join` makes. */
export const MADE_LABEL_LENGTH_MAX = 1_048_576;

/** Values one series description may expand to. */
export const SERIES_VALUES_MAX = 1_000_000;
