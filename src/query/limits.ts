// Bounds of the query room. Deadline, concurrency and memory have settings; these are what no
// setting moves.
import { assert } from '../stdx/assert.ts';

/** Characters of a query text. */
export const QUERY_LENGTH_MAX = 100_000;
/** Memory is given back at once after a query that held so much. */
export const LARGE_QUERY_BYTES = 8 * 1024 * 1024;
/** Steps of a range query: Prometheus' own bound, known to every client. */
export const QUERY_STEPS_MAX = 11_000;
/** Queries waiting for their turn; more are refused with 503 … */
export const QUERY_QUEUE_MAX = 1_000;
/** … and asked to come back after so long. */
export const QUERY_RETRY_AFTER_SEC = 1;
/** Light queries that go ahead of a heavy one that waits. */
export const QUERY_OVERTAKES_MAX = 4;
/** Part of the places that heavy queries may hold where no setting says so: one of so many. */
export const QUERY_HEAVY_PART = 4;
/**
 * An estimate is no count: a query is refused before it starts only where it asks for so many times
 * the limit of samples. What it really reads is counted while it runs.
 */
export const ESTIMATE_SLACK = 2;
/** Labels of which an error names the one with the most values. */
export const CULPRIT_LABELS = 2;
/** Characters of a query in the log of slow queries, and in a list. */
export const SLOW_TEXT_LENGTH_MAX = 500;
/** A `timeout` parameter may only shorten the deadline; it never goes below this. */
export const QUERY_TIMEOUT_MS_MIN = 1;
/** Deadline of an export, which takes as long as its client reads. */
export const EXPORT_TIMEOUT_MS = 6 * 3_600_000;
/** How far back an instant selector looks for a sample, unless the request says otherwise. */
export const LOOKBACK_US_DEFAULT = 300_000_000;

/** Warnings of one answer, and infos; the rest is counted. */
export const ANNOTATIONS_MAX = 10;
/** Points older than this are settled: results about them are kept, and later writes are told. */
export const SETTLED_DELAY_US = 300_000_000;
/** Fewer steps are not worth keeping. */
export const CACHE_STEPS_MIN = 8;
/** One result may take so much of the cache: one of so many parts. */
export const CACHE_ENTRY_PART = 4;
/** Metric names of one query that are watched one by one; of more, any change counts. */
export const CACHE_NAMES_MAX = 16;
/** Stretch of time that is right or wrong as a whole, as wide as the storage tells changes … */
export const CACHE_SEGMENT_US = 2 * 3600 * 1_000_000;
/** … but so many steps at least, so that a query has some dozens of them at most. */
export const CACHE_SEGMENT_STEPS = 200;

/** Texts of queries whose trees are kept, or of selectors, and the longest of them. */
export const PARSED_QUERIES_MAX = 128;
export const PARSED_LENGTH_MAX = 1024;

/** Characters collected before a piece of an answer is handed on. */
export const JSON_PIECE_LENGTH = 65_536;
/** Smaller pieces of bytes are copied together. */
export const COPIED_BYTES_MAX = 32 * 1024;
/** An encoder that worked this long lets input and output proceed. */
export const JSON_SLICE_MS = 0.5;

assert(QUERY_STEPS_MAX > 0 && JSON_SLICE_MS > 0, 'bounds let something through');
/** Slots of a series that are printed at once. */
export const PRINTED_SLOTS_MAX = 1024;
/** Bytes of an answer that are gathered before they are sent. */
export const JSON_PIECE_BYTES = 128 * 1024;
