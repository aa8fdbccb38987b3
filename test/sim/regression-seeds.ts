// Seeds of the engine that failed once, with what they showed; they run first. A seed means one
// history only as long as the model draws the same numbers, so what a seed showed also has a case
// of its own beside the code that was wrong, where one could be made.

export interface RegressionSeed {
  readonly seed: number;
  readonly showed: string;
}

export const REGRESSION_SEEDS: readonly RegressionSeed[] = [
  { seed: 3, showed: 'an append during the syncs of a rotation was never acknowledged' },
  { seed: 39, showed: 'a head that was full at the start refused every write for ever' },
  { seed: 63, showed: 'a failed stat while opening was no operating error' },
  {
    seed: 80,
    showed: 'a flush that its timer began during the replay never ended, nor did any later',
  },
  { seed: 558, showed: 'a flush behind the last one of a closing found the planes closed' },
  { seed: 2124, showed: 'a part was removed whose commit may have happened' },
  { seed: 588, showed: 'a head that filled during a flush refused every write for ever' },
  {
    seed: 1597,
    showed: 'a closed log whose end is cut off was not named, though a head snapshot had seen it',
  },
  { seed: 1501, showed: 'a failed read of the log while opening was no operating error' },
  { seed: 204, showed: 'a seen list had series of a tenant that came after its names' },
];
