// One seed of the engine as seeds-worker.ts runs it: options in, violations in words out.
import { engineRun } from './engine-run.ts';
import { engineOpener, type EngineMutations } from './open-engine.ts';
import type { DiskMutations } from './sim-disk.ts';

export interface EngineSeedOptions {
  readonly seed: number;
  readonly disk?: DiskMutations;
  readonly mutations?: EngineMutations;
  readonly faults?: boolean;
  readonly flips?: boolean;
}

export async function engineSeed(options: EngineSeedOptions): Promise<readonly string[]> {
  const { violations } = await engineRun({
    seed: options.seed,
    open: engineOpener(options.mutations),
    disk: options.disk ?? {},
    faults: options.faults ?? false,
    flips: options.flips ?? false,
  });
  return violations;
}
