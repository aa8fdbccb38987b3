// Leaves: what a storage computes itself equals the plain evaluation over its points.
import type { StorageCase } from './storage-suite.ts';

export const leafCases: readonly StorageCase[] = [];
