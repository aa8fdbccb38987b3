// Bounds of tenancy.
import { assert } from '../stdx/assert.ts';

/** Tenants that open mode creates because a header named them; more are refused with 429. */
export const OPEN_TENANTS_MAX = 1_000;
/** The same behind a gateway, which says who they are. */
export const HEADER_TENANTS_MAX = 20_000;
/** Refusals for who is asking are told to the log this often at most; all are counted. */
export const REFUSAL_LOG_MS = 1_000;

/** Tenants with a record. */
export const TENANTS_MAX = 20_000;
/** Tokens of all tenants, and of one, that are not revoked. */
export const TOKENS_MAX = 100_000;
export const TOKENS_PER_TENANT_MAX = 1_000;
/** Revoked tokens of a tenant that can still be looked at; the one created first goes first. */
export const REVOKED_TOKENS_KEPT = 100;
/** One record as JSON. */
export const RECORD_BYTES_MAX = 8_000;
/** All records as JSON: what holding them in memory is bounded by. */
export const RECORDS_BYTES_MAX = 64 * 1024 * 1024;
/** Ids of removed tenants that are not given again; the one removed first is forgotten first. */
export const REMOVED_IDS_KEPT = 10_000;
/** Rows read from the catalog at a time. */
export const TENANCY_PAGE_ROWS = 1_000;

/** Of the server admins that are left one must be good for so long: time to make another. */
export const ADMIN_LEFT_MS = 24 * 3_600_000;

/** Rows of the audit log; the oldest go. */
export const AUDIT_ROWS_MAX = 50_000;
/** Of each log, for the admins of one tenant, where it is full. */
export const AUDIT_SHARE_MAX = 0.1;
/** Rows of the log of deletes; the oldest go, and take none of the others along. */
export const DELETE_ROWS_MAX = 50_000;
/** Rows that one question looks at; the answer says where to go on. */
export const AUDIT_SCAN_ROWS_MAX = 10_000;
/** Rows of one answer. */
export const AUDIT_ANSWER_ROWS_MAX = 1_000;

// One transaction of the catalog takes 10,000,000 bytes.
assert(
  TOKENS_PER_TENANT_MAX * (RECORD_BYTES_MAX + 100) < 9_000_000,
  'all tokens of a tenant change in one transaction',
);

/** Rounds of deleting what was on its way while a tenant was being removed. */
export const REMOVAL_ROUNDS_MAX = 5;

/** Tenants whose buckets and counts are held; those that take nothing are forgotten beyond it. */
export const ACCOUNTS_MAX = 20_000;

/** What `Retry-After` says where nobody knows when it is better. */
export const BUSY_RETRY_SEC = 1;

/** Where series have to become inactive first, which takes up to an hour. */
export const SERIES_RETRY_SEC = 60;

/** The most that `Retry-After` says. */
export const RETRY_AFTER_SEC_MAX = 3600;

/** Units of cost that a series read is, where a sample read is one. */
export const COST_PER_SERIES = 100;

/** Tenants whose breaches are kept, and breaches of one. */
export const BREACH_TENANTS_MAX = 1_000;
export const BREACHES_MAX = 64;

/** Labels of a breach whose values are told apart, values of each, characters of each. */
export const BREACH_LABELS_MAX = 32;
/** Metrics of a tenant whose series are looked at while it is near to a limit of series. */
export const NEAR_METRICS_MAX = 8;
export const BREACH_VALUES_MAX = 100;
export const BREACH_TEXT_LENGTH_MAX = 200;

/** Part of a limit from which on a tenant is near to it, and how often that is told. */
export const NEAR_SHARE = 0.8;
export const NEAR_TOLD_MS = 10_000;

/** Series that a tenant far from its limits makes between two looks at them. */
export const SERIES_LEASE = 256;

/** Counts of use wait so long for their commit, and a kill loses what is in no log. */
export const USAGE_COMMIT_MS = 800;
/** Threads tell so often what they counted. */
export const USAGE_TOLD_MS = 150;
/** What tenants keep is looked at so often. */
export const USAGE_LOOK_MS = 60_000;
/** Rows of use of one transaction of the catalog, and rows held so that they need not be read. */
export const USAGE_COMMIT_ROWS_MAX = 10_000;
export const USAGE_ROWS_HELD_MAX = 50_000;
/** How long rows of use stay, also of tenants that are gone: 93 days. */
export const USAGE_KEPT_HOURS = 93 * 24;
/** Rows of one answer. */
export const USAGE_ANSWER_ROWS_MAX = 50_000;

/** A tenant that holds bytes is given more up to so many times what is free then. */
export const SHARE_OF_FREE = 4;

/** Turns after which what waits goes, whatever it costs. */
export const TURN_ROUNDS_MAX = 16;

/** Names of those who took most that are kept of an account, and that a refusal says. */
export const CONTRIBUTORS_KEPT = 16;
export const CONTRIBUTORS_TOLD = 3;

/** Tokens and protocols of a tenant, and tenants, whose use is told apart in series. */
export const USAGE_TOTALS_MAX = 1_000;
export const USAGE_TOTALS_TENANTS_MAX = 20_000;

/** Series that are kept of who made some: in all, of a maker of a metric, characters of one. */
export const MADE_SERIES_MAX = 20_000;
export const MADE_PER_MAKER = 16;
export const MADE_LABELS_LENGTH_MAX = 2_000;
/** At first one in so long. */
export const MADE_GAP_MS = 60_000;
/** Tokens and protocols of a metric, and metrics of a tenant. */
export const MAKERS_PER_METRIC = 8;
export const MAKING_METRICS_MAX = 500;
