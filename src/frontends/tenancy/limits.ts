// Bounds of the tenancy API.

export const TENANTS_ANSWER_DEFAULT = 100;
export const TENANTS_ANSWER_MAX = 10_000;
export const TOKENS_ANSWER_DEFAULT = 1_000;
export const TOKENS_ANSWER_MAX = 10_000;
export const AUDIT_ANSWER_DEFAULT = 100;
export const CARDINALITY_ANSWER_DEFAULT = 10;
export const CARDINALITY_ANSWER_MAX = 1_000;

export const USAGE_HOURS_DEFAULT = 24;

export const TOKEN_NAME_LENGTH_MAX = 200;
export const TOKEN_TENANTS_MAX = 100;
export const FORCED_LABELS_MAX = 30;
export const LABEL_NAME_LENGTH_MAX = 200;
export const LABEL_VALUE_LENGTH_MAX = 1_000;
export const FORCED_MATCHERS_MAX = 20;
export const MATCHER_LENGTH_MAX = 2_000;
