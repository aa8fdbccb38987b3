// Places in the memory of kernels/lines.ts, bytes; src/formats/lines-kernel.ts has the same numbers.

/** Places of the control block: the same as in src/formats/lines-memory.ts. */
export const CONTROL: usize = 65536;
export const SEED: usize = CONTROL;
export const UNIT_US: usize = CONTROL + 8;
export const DEFAULT_US: usize = CONTROL + 16;
export const ROW_COUNT: usize = CONTROL + 24;
export const SLOT_MASK: usize = CONTROL + 28;
export const ARENA_END: usize = CONTROL + 32;
export const LAST_ROW: usize = CONTROL + 36;
export const POINT_COUNT: usize = CONTROL + 40;
export const FIX_COUNT: usize = CONTROL + 44;
export const COUNTS: usize = CONTROL + 48;
export const SUB_NS_USED: usize = CONTROL + 60;
export const LINE_COUNT: usize = CONTROL + 64;
export const LAST_START: usize = CONTROL + 68;
export const MEMO_AT: usize = CONTROL + 72;
export const MEMO_LENGTH: usize = CONTROL + 76;
/** The kernel's own. */
export const LINE_US: usize = CONTROL + 80;
export const LINE_SUB_NS: usize = CONTROL + 88;
export const LAST_SHAPE: usize = CONTROL + 92;
export const HASH: usize = CONTROL + 96;
export const VALUE: usize = CONTROL + 112;
export const VALUE_KIND: usize = CONTROL + 120;
export const STOPS_AT_MINUS: usize = CONTROL + 124;
export const POWERS: usize = CONTROL + 128;
/** Counts as they are when the line is whole. */
export const NEXT_COUNTS: usize = CONTROL + 320;
/** The series of the line before, where lines may go on with it; negative: there is none. */
export const CURRENT_REF: usize = CONTROL + 336;
export const NAMES: usize = CONTROL + 512;

/** How points of JSON are written: their texts by place, then where the pieces around them stand here. */
export const LAYOUT: usize = CONTROL + 4096;
export const PIECES: usize = LAYOUT + 16;
export const LAYOUT_KNOWN: usize = LAYOUT + 56;
/** Texts of the point that was read last, and what stands for its metric. */
export const TAGS_AT: usize = LAYOUT + 64;
export const TAGS_LENGTH: usize = LAYOUT + 68;
export const METRIC_AT: usize = LAYOUT + 72;
export const METRIC_LENGTH: usize = LAYOUT + 76;
export const METRIC_MEMO_AT: usize = LAYOUT + 80;
export const METRIC_MEMO_LENGTH: usize = LAYOUT + 84;
export const METRIC_HASH: usize = LAYOUT + 88;

export const POINTS: usize = 8192;
/** Columns of one kind: refs, rows, times, values, nanoseconds. */
export const COLUMNS: usize = 131072;
export const ROWS_AT: usize = POINTS * 4;
export const TIMES_AT: usize = POINTS * 8;
export const VALUES_AT: usize = POINTS * 16;
export const SUB_NS_AT: usize = POINTS * 24;
export const KIND_BYTES: usize = POINTS * 26;
export const FIXES: usize = 786432;
export const SLOTS: usize = 1310720;
export const ROWS: usize = 5505024;
export const ARENA: usize = 22282240;
export const ARENA_LIMIT: usize = 47448064;

export const ROWS_MAX: u32 = 524288;
export const FIRST_SLOTS: u32 = 1024;
export const FIELDS_MAX: u32 = 256;
/** Sets of fields that one row may have. */
export const LAYOUTS_MAX: u32 = 4;

/** Of a row: hash (16 bytes), then words. */
export const LENGTH: usize = 16;
export const NEXT: usize = 20;
/** Ref of a row that is a series; else the first of its layouts. */
export const REF: usize = 24;
export const LAYOUT_COUNT: usize = 28;
export const ROW_LOG2: u32 = 5;

export const F64: u32 = 0;
export const I64: u32 = 1;
export const BOOLEAN: u32 = 2;

export const T_US_MAX: u64 = 9007199254740991;
export const SECONDS_BELOW: u64 = 5000000;
export const MILLISECONDS_BELOW: u64 = 5000000000;
export const MICROSECONDS_BELOW: u64 = 5000000000000;
/** The NaN of src/formats/prometheus-text. */
export const NORMAL_NAN: u64 = 0x7ff8000000000001;

export const TAB: u32 = 9;
export const LF: u32 = 10;
export const CR: u32 = 13;
export const SPACE: u32 = 32;
export const QUOTE: u32 = 34;
export const HASH_SIGN: u32 = 35;
export const COMMA: u32 = 44;
export const SLASH: u32 = 47;
export const ZERO: u32 = 48;
export const EQUALS: u32 = 61;
export const MINUS: u32 = 45;
export const DOT: u32 = 46;
export const BACKSLASH: u32 = 92;
export const BRACE_OPEN: u32 = 123;
export const BRACE_CLOSE: u32 = 125;

export const K1: u64 = 0x9e3779b97f4a7c15;
export const K2: u64 = 0xc2b2ae3d27d4eb4f;
