// Seeds of the engine that failed once, with what they showed; they run first. A seed means one
// history only as long as the model draws the same numbers, so what a seed showed also has a case of
// its own beside the code that was wrong, where one could be made.

export interface RegressionSeed {
  readonly seed: number;
  readonly showed: string;
}

export const REGRESSION_SEEDS: readonly RegressionSeed[] = [];
