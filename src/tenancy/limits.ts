// Bounds of tenancy.

/** Tenants that open mode creates because a header named them; more are refused with 429. */
export const OPEN_TENANTS_MAX = 1_000;
