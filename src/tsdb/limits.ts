// Bounds of one shard. Defaults that an operator may change are in settings.ts.
import { assert } from '../stdx/assert.ts';

/** Shards of one engine. */
export const SHARDS_MAX = 64;
/** Series that a sender numbers before it begins anew; four bytes each where the shards are. */
export const SENDER_SERIES_MAX = 8_388_608;
/** Splits that a sender remembers before it begins anew. */
export const SENDER_SPLITS_MAX = 1_048_576;
/** New series are sent ahead of their batch beyond so many bytes of labels. */
export const SENT_SERIES_BYTES = 1024 * 1024;
/** A ref fits 31 bits: caches beside the columns keep it as a signed word. */
export const REF_MAX = 2 ** 31 - 1;
/** Batch ids remembered per tenant, oldest forgotten first. */
export const BATCH_IDS_MAX = 65_536;
/** A batch id is remembered at least so long. */
export const BATCH_ID_MEMORY_MS = 10 * 60 * 1000;
export const BATCH_ID_SIZE_BYTES = 16;
/** Ids per catalog row: 24 bytes each, below the catalog's value limit. */
export const BATCH_IDS_PER_ROW = 2048;
/** An async write is synced after so long at the latest; the promise is one second. */
export const ASYNC_SYNC_DELAY_MS = 500;
/** What 32-bit addresses reach; head memory beyond it is not used. */
export const HEAD_MEMORY_MAX_BYTES = 2 ** 32;
/** The head's memory grows by so much; what is not touched costs addresses only. */
export const HEAD_GROW_BYTES = 16 * 1024 * 1024;
/** A memory of the head that grew beyond it goes back to the system after quiet times. */
export const HEAD_KEPT_BYTES = 2 * HEAD_GROW_BYTES;
/**
 * Default of `headWarmBytesMin`: warm pages save milliseconds a flush, and would be a third of all
 * that data may take.
 */
export const HEAD_WARM_BYTES_MIN = 64 * 1024 * 1024;
/** Above this share of the memory bound heads are flushed and idle series leave early. */
export const MEMORY_PRESSED_SHARE = 0.7;
/** Above this share of it new series are taken of tenants only that hold less than what is left. */
export const MEMORY_FULL_SHARE = 0.85;
/** What is left to them ends here, so that known series can be written in any case. */
export const MEMORY_SERIES_SHARE = 0.92;
assert(MEMORY_SERIES_SHARE > MEMORY_FULL_SHARE, 'some room is for tenants that have little');
/**
 * A tenant is refused where it would hold more than so many times what is left of the head, or of
 * the memory: one alone has 15 parts of 16, and one part is for those that hold little.
 */
export const SHARE_OF_LEFT = 15;
/**
 * Room that is kept for flushes and merges by the bytes of the index: both hold something of each
 * series until their part is whole, and nothing else bounds it.
 */
export const FLUSH_ROOM_PER_INDEX_BYTE = 1;
/** In the head, as far as it is known before a batch is written. */
export const HEAD_BYTES_PER_POINT = 16;
/** A head of less than this share of it is not flushed early. */
export const MEMORY_FLUSH_SHARE = 1 / 32;
/** New series between two looks at the sum. */
export const MEMORY_LOOK_EVERY = 64;
/** Writers that are refused for want of memory come back after so long. */
export const MEMORY_RETRY_AFTER_SEC = 5;
/** Unit in which generations take head memory and give it back. */
export const HEAD_SLAB_BYTES = 64 * 1024;
/** Above this share of its bytes the head is flushed: the rest takes writes meanwhile. */
export const HEAD_FLUSH_SHARE = 0.4;
/** What a byte of a record that waits to be applied may come to in the head. */
export const HEAD_BYTES_PER_RECORD_BYTE = 4;
/** Closed pages of a series are sealed when they have about so many samples. */
export const SEAL_SAMPLES = 64;
/** Samples for which the scratch of a sort is kept; longer series have their own. */
export const SCRATCH_SORT_SAMPLES_MAX = 8192;
/** Nothing is sealed while a head is smaller than this, … */
export const SEAL_HEAD_BYTES = 160 * 1024 * 1024;
/** … or than this share of what it may take: a quarter of what it is flushed at. */
export const SEAL_HEAD_SHARE = 0.1;
/** For each sample that is appended so many may be sealed, where as many wait, … */
export const SEAL_PER_SAMPLE = 4;
/** … but no more in one go: two milliseconds without the kernel. */
export const SEAL_SLICE_SAMPLES = 32_768;
/** Series records are made so many at a time. */
export const HEAD_CHUNK_REFS_LOG2 = 9;
export const HEAD_CHUNK_REFS = 2 ** HEAD_CHUNK_REFS_LOG2;
/** Where records wait between log and head; those beyond it have memory of their own. */
export const RECORD_RING_BYTES = 2 * 1024 * 1024;
/** Points of a record whose times, and whose series, need no memory of their own. */
export const RECORD_TIMES_MAX = 65_536;
/** Runs in a column of a record, and points of each on average, for what they cost beside. */
export const RUNS_MAX = 8192;
export const RUN_POINTS_MIN = 4;
/** Values of a record's column that are packed together, a multiple of 4. */
export const PACK_GROUP = 4096;
/** Values from which on packing is tried, and of how many it is told whether it pays. */
export const PACK_POINTS_MIN = 16;
export const PACK_SAMPLES = 64;
/** Bytes a value, without its form, up to which packing costs less than writing (0070). */
export const PACK_BYTES_MAX = 2.5;
/** What a point counts for at least where the length of a log is bounded: value and series. */
export const RECORD_POINT_BYTES = 12;
/** Samples of a page: their count and the capacity are bytes. */
const HEAD_PAGE_SAMPLES_MAX = 255;
/** Highest level; its partitions are 32,768 days wide (partitions.ts). */
export const LEVEL_MAX = 4;
/** New partitions of one division before it takes wider ones. */
export const NEW_PARTITIONS_MAX = 32;
/** A part is handed to the blobs in pieces of about this size. */
export const WRITE_CHUNK_BYTES = 256 * 1024;
/** What a part is written from goes by so many series or samples: less than a millisecond. */
export const WRITE_PIECE_SERIES = 64;
export const WRITE_PIECE_SAMPLES = 4096;
/** What of a shard's cache is for bytes of blobs, and for values that are decoded. */
export const EXTENTS_SHARE = 0.25;
export const COLUMNS_SHARE = 0.25;
/** A leaf whose values would take more of it than this keeps none of them. */
export const COLUMNS_LEAF_SHARE = 0.5;
/** What a column takes beside its values, about: four objects and a buffer. */
export const COLUMN_BYTES = 400;
/** A leaf that has to decode more samples than this goes to threads. */
export const LANE_DECODED_SAMPLES_MAX = 4 * 1024 * 1024;
/** A leaf over decoded values of more samples than this does. */
export const LANE_SAMPLES_MAX = 16 * 1024 * 1024;
/**
 * A series of so many samples must be short work for a kernel that looks at each window anew, or a
 * leaf over a range goes the general way.
 */
export const LANE_FITTED_SAMPLES = 32_768;

/** Series of the head that a leaf reads alone, or merges with parts by labels. */
export const LANE_HEAD_SERIES_MAX = 20_000;
/** Of the head alone, series times steps: what is more goes to threads. */
export const LANE_HEAD_SLOTS_MAX = 4_000_000;
/** One ranged read of blocks, unless a single series needs more. */
export const READ_CHUNK_BYTES = 1024 * 1024;
/** Blocks further apart are read separately. */
export const READ_GAP_BYTES = 16 * 1024;
/** One read of a blob into the cache of extents, aligned. */
export const EXTENT_BYTES = 64 * 1024;
/** Strings and histograms are cut into blocks of fewer samples, so that a block stays readable. */
export const OBJECTS_PER_BLOCK = 512;
/** Series of a row group of a part's index; fewer where they have so many blocks. */
export const ROW_GROUP_SERIES = 256;
export const ROW_GROUP_BLOCKS = 8192;
/** Values in a group of a part's index, and how often one is written in full. */
export const VALUE_GROUP_COUNT = 128;
export const VALUE_RESTART_COUNT = 16;
/** All texts of a label are kept in one piece where they take at most one of so many parts. */
export const LARGEST_PART = 8;
/** Groups of texts that are put together at once. */
export const TEXTS_TURN_GROUPS = 64;
/** Posting lists up to here are kept together with others. */
export const POSTINGS_SHORT_MAX = 256;
/**
 * A matcher is asked of the rows of what others left, instead of by its postings, where those are
 * so many times more: a row group costs some thousand postings.
 */
export const MATCH_BY_ROWS_RATIO = 4096;
/** A batch of time columns ends at so many, or at so many bytes. */
export const TIME_BATCH_COLUMNS = 256;
export const TIME_BATCH_BYTES = 64 * 1024;
/** A row group ends where the time columns that wait for its end have so many bytes. */
export const TIME_PENDING_BYTES = 256 * 1024;
/** Time columns remembered while a part is written, so that equal ones are written once. */
export const TIMES_REMEMBERED_BYTES = 32 * 1024 * 1024;
/** Blocks of a chain that are written beside the one before; a reader decodes all of them. */
export const SIBLING_CHAIN_MAX = 16;
/** Values of buckets remembered while a part is written. */
export const SIBLINGS_REMEMBERED_BYTES = 32 * 1024 * 1024;
/** Groups of label values that a scan of a part keeps at hand, about 2 KB each. */
export const CURSOR_VALUE_GROUPS_MAX = 4096;
/**
 * Labels with more values come by batches of rows where all series are read; of others, the groups
 * stay at hand.
 */
export const TEXT_BATCH_VALUES_MIN = 2 ** 16;
/** Rows of a batch of texts, and memory of the row groups that are looked through for one. */
export const TEXT_BATCH_ROWS = 2 ** 16;
export const TEXT_BATCH_GROUPS_BYTES = 8 * 2 ** 20;
/** Other work proceeds after so many of them. */
export const TEXT_BATCH_TURN_GROUPS = 16;
/** Decoded blocks that a reader of a part keeps for siblings to come. */
export const SIBLINGS_KEPT_MAX = 64;
/** Time columns that a scan of a part keeps at hand. */
export const CURSOR_TIMES_MAX = 1024;
/** Places of time columns in the cache that the index of a part knows by number. */
export const COLUMN_SLOTS_MAX = 1024;
/** Replay lets other work proceed after so many bytes of log. */
export const REPLAY_TURN_BYTES = 1024 * 1024;
/** A long tail of the log is flushed so long after the start: first queries come first. */
export const OPENING_REST_MS = 10_000;
/** A failed background flush or merge is tried again after so long. */
export const MAINTENANCE_RETRY_MS = 5000;
/** So many series of the index are looked for in the head in a row: a millisecond or so. */
export const HEAD_SEEK_SERIES = 16_384;
/** A scan lets other work proceed after so many series. */
export const SCAN_TURN_SERIES = 256;
/** Samples of sources that overlap, of one series, for whose order there is room once for all. */
export const CLUSTER_ROOM_SAMPLES = 1024;
/**
 * Series whose newest samples are read at once: what the head has of them fits the second cache, a
 * row group of a part is one batch.
 */
export const INSTANT_BATCH_SERIES = 256;
/** Series whose pages a flush looks at ahead, so that their misses do not wait for each other. */
export const PAGES_AHEAD_SERIES = 32;
/** Questions about names and values let other work proceed after so many batches. */
export const NAMES_TURN_BATCHES = 8;
/** The same where texts are sorted and merged, after so many looks of ITEMS_PER_LOOK. */
export const NAMES_PAUSE_LOOKS = 16;
/** Row groups in memory that a walk counts as one such batch. */
export const WALK_TURN_GROUPS = 8;
/** Matchers whose values are remembered by the index of a part, or a column of the head, … */
export const MATCHERS_REMEMBERED = 16;
/** … and values of one of them; of longer answers the last one is. */
export const MATCHED_VALUES_REMEMBERED = 65_536;
/** Lists of series that a part's index remembers, the longest, and characters of the matchers. */
export const LISTS_REMEMBERED = 4;
export const LISTS_REMEMBERED_SERIES_MAX = 2048;
export const LISTS_REMEMBERED_KEY_LENGTH_MAX = 1024;
/** Times of series of several blocks that are kept as one array: one at least, all at most. */
export const JOINED_TIMES_BYTES_MIN = 128 * 1024;
export const JOINED_TIMES_BYTES_MAX = 4 * 1024 * 1024;
/** Arrays for values of such series that wait for the next leaf, and the largest of them. */
export const ROOMS_MAX = 4;
export const ROOM_BYTES_MAX = 2 * 1024 * 1024;
/** So many new series are looked up in a part one by one; for more it is looked through. */
export const PART_REFS_UNKNOWN_MAX = 256;
/** Attempts of a catalog commit whose outcome is unknown. */
export const COMMIT_ATTEMPTS_MAX = 5;
/** Bytes written ahead in one catalog transaction; half of what the strictest engine takes. */
export const CATALOG_CHUNK_BYTES = 4_000_000;
/**
 * Deletes since the last flush: more start one, so that reads test few and a commit stays small.
 */
export const HEAD_DELETES_MAX = 1000;
/** Bytes of what is kept of pairs of labels against the matchers of deletes; see HiddenSeries. */
export const HIDDEN_VERDICTS_MAX_BYTES = 16 * 2 ** 20;
/** A part is rewritten in the background for so many deletes that hit it. */
export const REWRITE_DELETES_MIN = 64;
/** A part is rewritten in the background when so much of it is expired. */
export const REWRITE_EXPIRED_MIN = 0.5;
/** Retention and due merges are looked at so often. */
export const HOUSEKEEPING_INTERVAL_MS = 60_000;
/** What a merge in a thread of its own keeps of its inputs. */
export const MERGE_SECTIONS_BYTES = 16 * 2 ** 20;
export const MERGE_EXTENTS_BYTES = 4 * 2 ** 20;
export const MERGE_COLUMNS_BYTES = 8 * 2 ** 20;
/** Between rests; nothing waits for its thread. */
export const MERGE_SLICE_MS = 4;
/** Flushes and merges work so long without a turn of the event loop. */
export const PACE_SLICE_MS = 0.5;
/** A rest that ends later than this has a queue before it, and is as long again as it was late. */
export const PACE_LATE_MS = 3;
export const PACE_REST_MAX_MS = 20;
/** Share of the thread that a flush takes at least while writes are under way. */
export const FLUSH_SHARE_MIN = 0.15;
/** It shall end where what makes the next one due has come to so much, … */
export const FLUSH_END_FILL = 0.6;
/** … and takes so much more as it lags behind: all of the thread where by a third of its work. */
export const FLUSH_CATCH_UP = 2.5;
/** Writes are under way when the last one came within this time. */
export const PACE_BUSY_MS = 200;
/** Free disk space is asked for so often. */
export const DISK_LOOK_INTERVAL_MS = 2000;
/** Writers that are refused for want of space come back after so long. */
export const DISK_RETRY_AFTER_SEC = 10;
/** A metric name with a split is part of a catalog key; the strictest engine takes 10,000 bytes. */
export const SPLIT_NAME_LENGTH_MAX = 2048;
/** A delete's row in the catalog; the strictest engine takes 100,000 bytes. */
export const DELETE_SIZE_MAX_BYTES = 90_000;
/** Keys deleted or read in one catalog transaction. */
export const CATALOG_PAGE_KEYS = 500;
/** Label texts kept as strings beside the arena; a power of two. */
export const TEXT_CACHE_ENTRIES = 2 ** 15;
/** Snapshots kept at once: each holds on to the space of parts that merges replaced. */
export const SNAPSHOTS_MAX = 32;
/** A snapshot's description. */
export const SNAPSHOT_INFO_MAX_BYTES = 1024 * 1024;
/** One read of a snapshot's file. */
export const SNAPSHOT_READ_BYTES = 256 * 1024;
/** Findings of a check told for one file; the others are counted. */
export const CHECK_FINDINGS_PER_FILE_MAX = 20;
/** Decoded pieces of one part kept while it is checked. */
export const CHECK_CACHE_BYTES = 64 * 1024 * 1024;
/** Findings told in all. */
export const CHECK_FINDINGS_MAX = 10_000;
/** New series that a question puts in order without a turn of others. */
export const ORDERED_AT_ONCE = 2048;
/** Series that are put into a column of values between two turns of others, … */
export const COLUMN_STEP_SERIES = 2048;
/** … places of it that are only moved from one array to another, … */
export const COLUMN_STEP_PLACES = 8192;
/** … and values that a regular expression is tried on. */
export const MATCH_STEP_VALUES = 256;
/** A tenant with so many series or fewer is matched row by row. */
export const SMALL_TENANT_SERIES = 512;
/** A base of so many series or fewer takes up new ones at each query. */
export const BASE_SIMPLE_SERIES = 8192;
/** A longer one takes them up when they are more than this share of it. */
export const BASE_SHARE = 8;
/** Value columns that are kept for later queries, all tenants together. */
export const COLUMNS_MAX_BYTES = 64 * 1024 * 1024;
/** What "active" means: written within the last hour. */
export const ACTIVE_WINDOW_SEC = 3600;
/** A series leaves memory when it was not written for so long. */
export const SERIES_IDLE_MS = ACTIVE_WINDOW_SEC * 1000;
/** Pairs whose digests are at hand while series are told apart by theirs; a power of two. */
export const DIGEST_CACHE_PAIRS = 4096;
/** Places of the smallest table of series that are remembered without their labels. */
export const SEEN_TABLE_FIRST = 16;
/** Words of a seen list that are made or taken up in one turn: about 2,000 series. */
export const SEEN_SLICE_WORDS = 10_240;
/** No seen list is larger: 2²⁴ series in the index and as many that are remembered. */
export const SEEN_LIST_MAX_BYTES = 1024 ** 3;
/** Where memory is pressed it leaves after so long. */
export const SERIES_PRESSED_IDLE_MS = 5 * 60 * 1000;
/** Width of a bucket of write versions: 2 hours. */
export const VERSION_BUCKET_US = 2 * 3600 * 1_000_000;
/** Buckets of write versions kept for a tenant; above, all of its time counts as changed. */
export const VERSION_BUCKETS_MAX = 4096;
/** Series of the head whose samples an estimate looks at, and pieces of a part's rows. */
export const ESTIMATE_SERIES = 16;
export const ESTIMATE_ROW_GROUPS = 16;
/** Slots of the head's index that an estimate looks at; fewer than that are all looked at. */
export const ESTIMATE_SLOTS = 16_384;
/** Texts that are gathered at least before the smallest of them are picked. */
export const SMALLEST_TEXTS_KEPT_MIN = 256;
/** Series of the head whose labels an estimate looks at. */
export const ESTIMATE_LABEL_SERIES = 4096;
/** A checksum of a head snapshot is of so many bytes; it is written and read so, two in memory. */
export const HEAD_SNAPSHOT_CHUNK_BYTES = 4 * 1024 * 1024;
/** Work between two looks at the clock while one is taken: so many bytes, so many rows. */
export const HEAD_SNAPSHOT_PIECE_BYTES = 64 * 1024;
export const HEAD_SNAPSHOT_PIECE_ROWS = 256;
/** A head snapshot is taken when the replay since the last one costs that of so many bytes. */
export const HEAD_SNAPSHOT_LOG_BYTES = 64 * 1024 * 1024;
/** Bytes of samples that are replayed in the time that the definition of a series takes. */
export const HEAD_SNAPSHOT_SERIES_BYTES = 400;
/** Behind one that is larger by this, the replay may cost that of its size. */
export const HEAD_SNAPSHOT_SMALL_BYTES = 4 * 1024 * 1024;
/** Before a flush one is taken where new series behind the last one cost so much of that. */
export const HEAD_SNAPSHOT_FLUSH_SHARE = 0.5;
/** A flush is near where so much of the tail that makes it due is there. */
export const HEAD_SNAPSHOT_NEAR_SHARE = 0.25;
/** A tail of so much of that is not flushed when the shard is closed. */
export const HEAD_SNAPSHOT_CLOSE_SHARE = 0.25;
/** Series that leave in one turn of the event loop. */
export const RETIRE_SERIES_MAX = 16_384;
/** Texts are swept when more series than this, and than there are left, have gone. */
export const SWEEP_SERIES_MIN = 16_384;

assert(ROW_GROUP_SERIES <= INSTANT_BATCH_SERIES, 'a row group is one batch');
assert(HEAD_CHUNK_REFS * 32 <= HEAD_SLAB_BYTES, 'a chunk of series records fits a slab');
assert(HEAD_PAGE_SAMPLES_MAX * 14 <= HEAD_SLAB_BYTES, 'a head page fits a slab');
