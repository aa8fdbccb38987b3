// Bounds of the tenancy API.

export const TENANTS_ANSWER_DEFAULT = 100;
export const TENANTS_ANSWER_MAX = 10_000;
export const TOKENS_ANSWER_DEFAULT = 1_000;
export const TOKENS_ANSWER_MAX = 10_000;
export const AUDIT_ANSWER_DEFAULT = 100;
export const CARDINALITY_ANSWER_DEFAULT = 10;
export const CARDINALITY_ANSWER_MAX = 1_000;
export const METRIC_NAME_LENGTH_MAX = 2_000;

/** Looks for the first new series of one metric, and of one answer. */
export const MAKER_LOOKS_PER_METRIC = 32;
export const MAKER_LOOKS_MAX = 200;
/** Series of one look: those with all of its labels and more are told apart from it. */
export const MAKER_LOOK_SERIES_MAX = 100;
/** What a name and its count take while growth is found. */
export const GROWTH_ROW_BYTES = 100;

export const USAGE_HOURS_DEFAULT = 24;

export const TOKEN_NAME_LENGTH_MAX = 200;
export const TOKEN_TENANTS_MAX = 100;
export const FORCED_LABELS_MAX = 30;
export const LABEL_NAME_LENGTH_MAX = 200;
export const LABEL_VALUE_LENGTH_MAX = 1_000;
export const FORCED_MATCHERS_MAX = 20;
export const MATCHER_LENGTH_MAX = 2_000;
