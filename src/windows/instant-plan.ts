// Which leaves ask for one instant; apart from the kernels, so that asking loads none of them.
import type { LeafPlan } from '../model/storage.ts';
import { stepGrid } from './sliding.ts';

/** Does the leaf ask for the newest sample of each series at one time? */
export function isInstantLeaf(plan: LeafPlan): boolean {
  const { kernel, windowUs, startUs, endUs, stepUs } = plan;
  if (windowUs !== 0 || (kernel !== 'last' && kernel !== 'timestamp')) return false;
  return stepGrid(startUs, endUs, stepUs).count === 1;
}
