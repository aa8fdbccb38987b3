/** One change at the server after the other: what became of the last one, in words. */
import { useState } from 'react';

export interface Action {
  readonly said: string;
  /** `done` is said when it worked, the server's own sentence when it did not. */
  readonly run: (work: () => Promise<unknown>, done: string) => void;
}

export function useAction(onChanged: () => void): Action {
  const [said, setSaid] = useState('');
  const run = (work: () => Promise<unknown>, done: string): void => {
    void settled(work, done).then(setSaid).finally(onChanged);
  };
  return { said, run };
}

async function settled(work: () => Promise<unknown>, done: string): Promise<string> {
  try {
    await work();
    return done;
  } catch (failure) {
    return failure instanceof Error ? failure.message : String(failure);
  }
}
