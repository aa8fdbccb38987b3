// Bounds of the HTTP door. Every byte a stranger can make the process hold is counted against one
// of these numbers.
import { assert } from '../../stdx/assert.ts';

const KIB = 1024;
const MIB = 1024 * KIB;

/** Request line and headers together. */
export const HEADER_SIZE_BYTES_MAX = 32 * KIB;
export const HEADERS_TIMEOUT_MS = 15_000;
/** A request must have arrived completely within this time. */
export const REQUEST_TIMEOUT_MS = 300_000;
/** How late a timeout of headers or request may be noticed. */
export const PATIENCE_CHECK_MS = 5_000;
/** A body that took longer to come is looked at again: may who sent it still do that? */
export const READMIT_MS = 250;
/** A client that takes nothing of a complete answer for this long is cut. */
export const READ_IDLE_MS = 60_000;
/** Longer than the 60 s that load balancers and senders commonly keep a connection. */
export const KEEP_ALIVE_TIMEOUT_MS = 75_000;
/** A client that was answered asks again within this time, or has nothing to ask. */
export const NEXT_REQUEST_MS = 100;
export const CONNECTIONS_MAX = 20_000;

/** A write, as sent and after decompression: what one parser's private memory holds. */
export const WRITE_BODY_BYTES_MAX = 64 * MIB;
/** JSON that is parsed as a whole takes many times its size meanwhile. */
export const COLLECTD_BODY_BYTES_MAX = 16 * MIB;
/** A form or a small JSON document. */
export const FORM_BODY_BYTES_MAX = 4 * MIB;
/** A body that a route reads without needing it. */
export const SMALL_BODY_BYTES_MAX = 64 * KIB;

/**
 * Bodies of one tenant, as sent and decompressed, while they are being handled; those of all
 * together are a quarter more, which is for those who hold little.
 */
export const BODY_BYTES_IN_FLIGHT_MAX = 256 * MIB;
/** The same of requests that administer the server: nobody else's bodies take it. */
export const HOUSE_BODY_BYTES_MAX = 16 * MIB;
/** What one tenant decompresses, in the worst case, before it is another's turn. */
export const INFLATE_TURN_BYTES = 16 * MIB;
/** Answers below this are sent as they are: they fit a packet. */
export const COMPRESS_BYTES_MIN = 1_400;
/** Complete answers up to this size are compressed at once, on the event loop. */
export const COMPRESS_INLINE_BYTES_MAX = 128 * KIB;
/** Memory of bodies that is kept for others, and the largest piece of it. */
export const BODY_MEMORY_KEPT_BYTES = 10 * MIB;
export const BODY_MEMORY_PIECE_BYTES_MAX = 2 * MIB;
/** Memory for a body on its way: so many times what has come, and no more than is declared. */
export const BODY_GROWTH = 4;
/**
 * Bodies up to this size are decompressed at once, on the event loop: cheaper than a thread hop.
 */
export const DECOMPRESS_INLINE_BYTES_MAX = 64 * KIB;
/** What comes out of a decompressor comes in pieces of at least and at most so many bytes. */
export const INFLATED_CHUNK_BYTES_MIN = 16 * KIB;
export const INFLATED_CHUNK_BYTES_MAX = MIB;
/** Room for what comes out of so many bytes of which nothing says it: metrics compress well. */
export const INFLATED_RATIO = 10;
/** Worst case of deflate: 1032 bytes out for one in. */
export const DEFLATE_RATIO_MAX = 1032;

/**
 * After refusing a body the rest of it is read and thrown away, so that the client sees the answer.
 */
export const LINGER_MS = 2_000;
export const LINGER_BYTES_MAX = 16 * MIB;
/** Up to this declared length it is read before the answer, so that the connection can go on. */
export const LINGER_SHORT_BYTES_MAX = 64 * KIB;

/**
 * Requests of nobody (401) that are answered in a second; so much of it may come at once, and an
 * answer waits for its turn no longer than that, one on a connection.
 */
export const REFUSALS_PER_SECOND = 200;
export const REFUSAL_BURST_MS = 1_000;
export const REFUSAL_WAIT_MS_MAX = 5_000;

/** What `Retry-After` says when the door itself is full. */
export const RETRY_AFTER_SEC = 1;

assert(BODY_BYTES_IN_FLIGHT_MAX >= 2 * WRITE_BODY_BYTES_MAX, 'one large write always fits');

/** Selectors of a delete that the audit log shows, and characters of each text in it. */
export const DEED_TEXTS_MAX = 10;
export const DEED_TEXT_LENGTH_MAX = 500;
