// Bounds of listeners for lines. Every byte that a stranger can make the process hold is counted
// against one of these numbers.
import { assert } from '../../stdx/assert.ts';

const KIB = 1024;
const MIB = 1024 * KIB;

/**
 * A line of text without its line break. Not below what one read of a socket brings: a longer line
 * then shows at the border of two reads, wherever it was cut.
 */
export const LINE_BYTES_MAX = 64 * KIB;
/**
 * The same where lines hold text of any length. A quote that is never closed hides the lines behind
 * it until then, so it is no more than is good for text.
 */
export const LONG_LINE_BYTES_MAX = MIB;
/** What is longer than LINE_BYTES_MAX of unfinished lines, of all connections together. */
export const ALL_LONG_LINES_BYTES_MAX = 64 * MIB;
/**
 * Complete lines of one connection that wait for the write before them; beyond it nothing is read.
 */
export const PENDING_BYTES_MAX = MIB;
/** The same of all connections of a listener together. */
export const ALL_PENDING_BYTES_MAX = 64 * MIB;
/** Connections of a listener; each may hold an unfinished line. */
export const LINE_CONNECTIONS_MAX = 4096;
/** Datagrams that wait for the write before them; beyond it they are dropped and counted. */
export const DATAGRAM_BYTES_MAX = 8 * MIB;
/** What the system is asked to hold for datagrams that were not read yet. */
export const DATAGRAM_SYSTEM_BYTES = 4 * MIB;
/** Text for a client that does not read it; beyond it the connection is cut. */
export const REPLY_BYTES_MAX = MIB;

/** A token in front of a line, with room for one that is mistyped. */
export const LINE_TOKEN_BYTES_MAX = 200;
/** The file with the token of lines without one is looked at this often. */
export const LINE_TOKEN_FILE_MS = 1_000;

/** A peer that is gone without a word is noticed after so long. */
export const KEEP_ALIVE_MS = 60_000;
/** How soon a write is tried again that could not be taken. */
export const RETRY_MS = 250;
/** When the server stops: a connection that was quiet for so long has been read to its end. */
export const DRAIN_QUIET_MS = 100;
/** Connections that are never quiet are read for so long. */
export const DRAIN_READ_MS = 1_000;

assert(LINE_BYTES_MAX < PENDING_BYTES_MAX, 'a line fits what waits');
