// One seed of the engine as seeds-worker.ts runs it: options in, violations in words out.
import { engineRun } from './engine-run.ts';
import type { Profile } from './engine-run.ts';
import { engineOpener, type EngineMutations } from './open-engine.ts';
import type { DiskMutations } from './sim-disk.ts';

export interface EngineSeedOptions {
  readonly seed: number;
  readonly disk?: DiskMutations;
  readonly mutations?: EngineMutations;
  readonly profile?: Profile;
  readonly damage?: 'log' | 'part' | 'head';
  readonly isTorn?: boolean;
  readonly isUntidy?: boolean;
  readonly isUnattended?: boolean;
  /** Prints what happens. */
  readonly isTraced?: boolean;
}

export async function engineSeed(options: EngineSeedOptions): Promise<readonly string[]> {
  const { mutations, isTraced, ...run } = options;
  const trace = (text: string): void => console.log(text);
  const { violations } = await engineRun({
    ...run,
    open: engineOpener(mutations),
    ...(isTraced === true ? { trace } : {}),
  });
  return violations;
}
