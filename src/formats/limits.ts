// Bounds of the formats room. Body sizes are bounded by the frontends before a scanner runs.
import { assert } from '../stdx/assert.ts';

/** Refused rows described per scan; all are counted. */
export const SCAN_ERRORS_MAX = 32;

/** Bytes of a refused line that are quoted in a reason. */
export const QUOTED_LINE_BYTES_MAX = 512;

/** Greatest distance of a timestamp from 1970, microseconds: whole doubles, to the year 2255. */
export const T_US_MAX = Number.MAX_SAFE_INTEGER;

/**
 * Labels of one series that are read at all; what a tenant may store is less. Sorting and refusing
 * a row with very many labels once per field would cost more than the row is worth.
 */
export const SERIES_LABELS_MAX = 256;

/** Buckets or spans of one histogram of a remote-write message. */
export const MESSAGE_ITEMS_MAX = 16_384;

/** Strings that the series of a remote-write 2.0 message may refer to. */
export const MESSAGE_SYMBOLS_MAX = 4 * 1024 * 1024;
/** Labels of one series of such a message, written out. */
export const SERIES_LABEL_BYTES_MAX = 4 * 1024 * 1024;
/** A message up to this size may be remembered; all that are together. */
export const REMEMBERED_MESSAGE_BYTES_MAX = 512 * 1024;
export const REMEMBERED_BYTES_MAX = 16 * 1024 * 1024;
/** Labels of all series of such a message, written out: they may be many times its size. */
export const MESSAGE_LABEL_BYTES_MAX = 512 * 1024 * 1024;

/**
 * Remote-write messages that the kernel takes, as sent and decoded; larger ones go through the
 * reference. Whole pages.
 */
export const WRITE_KERNEL_INPUT_BYTES = 2_097_152;
export const WRITE_KERNEL_BODY_BYTES = 8_388_608;

/** Metric families remembered while a page of exposition text is checked. */
export const PAGE_FAMILIES_MAX = 65_536;

/** Comment lines of scraped pages that are known by their bytes, of all targets together. */
export const KNOWN_COMMENTS_MAX = 8_192;
/** A longer one is read anew each time. */
export const KNOWN_COMMENT_BYTES_MAX = 1_024;

/** Size that a chunk of exported text aims at. */
export const EXPORT_CHUNK_BYTES = 65_536;

assert(QUOTED_LINE_BYTES_MAX * SCAN_ERRORS_MAX <= 65_536, 'an error body stays small');

/** Values of one list of collectd: one for each data source of a type. */
export const COLLECTD_SOURCES_MAX = 256;

/** Samples on one exported JSON line; a longer series takes several lines. */
export const EXPORT_LINE_SAMPLES_MAX = 10_000;
/**
 * Strings and histograms of such a line, about; it ends behind the sample that comes to so much.
 * A line is read again as a whole, so it has to fit into a body, escapes and all.
 */
export const EXPORT_LINE_BYTES = 4_194_304;

/** Samples of one chunk of a remote read. */
export const CHUNK_SAMPLES_MAX = 120;
/** Queries of one remote read, and matchers of one of them. */
export const READ_QUERIES_MAX = 1_000;
/** Size that a frame of a streamed remote read aims at. */
export const READ_FRAME_BYTES = 1024 * 1024;
/** Samples of a sampled remote read after which others may proceed. */
export const READ_STEP_SAMPLES = 1024;

/** Text that the kernel of lines is shown at once. */
export const LINES_KERNEL_WINDOW_BYTES = 262_144;
/** Rows that found no room in its memory before it forgets all that it has. */
export const LINES_KERNEL_MISSES_MAX = 262_144;

/** Lines of Warp 10 in a row that the kernel left, after which it is shown one of so many only. */
export const GTS_LEFT_LINES_MAX = 16;
export const GTS_LEFT_LINES_STEP = 64;

/** Lists and maps in each other in an attribute of OTLP. */
export const ATTRIBUTE_DEPTH_MAX = 16;
/** Resources and scopes of OTLP remembered by a dictionary, in characters; the longest of them. */
export const REMEMBERED_SCOPES_LENGTH_MAX = 16 * 1024 * 1024;
export const REMEMBERED_SCOPE_LENGTH_MAX = 1024 * 1024;
/** Labels of an exemplar of OTLP, in characters; longer ones keep trace and span alone. */
export const EXEMPLAR_LENGTH_MAX = 128;
/** Points of target_info that one resource of a message may get. */
export const TARGET_INFO_POINTS_MAX = 1_000;
/** An OTLP message in JSON; as protobuf it may take several times its size. */
export const OTLP_JSON_BYTES_MAX = 16 * 1024 * 1024;

/** How deep values may be nested: in fields that nobody looks at, and where a stack walks them. */
export const JSON_DEPTH_MAX = 64;

/** Refused points that an OpenTSDB answer lists with `details`; all are counted. */
export const PUT_PROBLEMS_MAX = 10_000;

/** Attributes of one line of Warp 10, names and values together, in characters. */
export const WARP10_ATTRIBUTES_LENGTH_MAX = 8192;

/** Columns of a row of CSV. */
export const CSV_COLUMNS_MAX = 65_536;
