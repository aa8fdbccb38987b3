// What may go wrong in one life of an engine run, drawn from the seed: single file operations that
// fail before or after their effect, a disk that fails for good, one that is full for a while, a
// slow one, reads in pieces, clocks that jump, and how the life ends.
import { randomInt, randomUnit } from '../../src/stdx/prng.ts';
import type { Prng } from '../../src/stdx/prng.ts';
import type { ProbePlace } from '../../src/stdx/probe.ts';
import type { FileOperation } from './sim-files.ts';
import type { World } from './world.ts';

const OPERATIONS_MAX = 350;
const FAULTS = ['once', 'often', 'sticky', 'full', 'catalog'] as const;
export type FaultName = (typeof FAULTS)[number] | 'none';
const PLACES = ['append', 'append', 'rotate', 'flush', 'commit', 'trim', 'merge', 'head'] as const;

/** How a life ends. */
export type Ending =
  | { readonly kind: 'operation'; readonly count: number }
  | { readonly kind: 'steps'; readonly count: number }
  | { readonly kind: 'place'; readonly place: ProbePlace; readonly nth: number }
  | { readonly kind: 'close' };

/**
 * `torn`: always with a record that is not synced, so that there is something to tear. `late`:
 * after many flushes. `untidy`: behind the commit of a flush.
 */
export function drawEnding(prng: Prng, wish: 'torn' | 'late' | 'untidy' | undefined): Ending {
  if (wish === 'late') return { kind: 'steps', count: 600 + randomInt(prng, 600) };
  if (wish === 'untidy') return { kind: 'place', place: 'trim', nth: 1 + randomInt(prng, 2) };
  if (wish === 'torn') return { kind: 'place', place: 'append', nth: 1 + randomInt(prng, 60) };
  const choice = randomInt(prng, 10);
  if (choice < 4) return { kind: 'operation', count: 1 + randomInt(prng, OPERATIONS_MAX) };
  if (choice < 5) return { kind: 'steps', count: 1 + randomInt(prng, 400) };
  if (choice < 6) return { kind: 'close' };
  const place = PLACES[randomInt(prng, PLACES.length)]!;
  const nth = 1 + randomInt(prng, place === 'append' ? 60 : 4);
  return { kind: 'place', place, nth };
}

export function drawFault(prng: Prng): FaultName {
  return FAULTS[randomInt(prng, FAULTS.length)]!;
}

const STICKY = ['EIO', 'ENOSPC', 'EROFS'] as const;
const CHANGING: readonly FileOperation[] = [
  'write',
  'datasync',
  'open',
  'truncate',
  'rename',
  'remove',
];

/** Lets the disk fail as `name` says; `isFull` tells the time when space comes back. */
export function armFault(world: World, prng: Prng, name: FaultName): void {
  if (name === 'none') return;
  if (name === 'full') return void (world.disk.capacityBytes = world.disk.usedBytes() + room(prng));
  const code = name === 'sticky' ? STICKY[randomInt(prng, STICKY.length)]! : 'EIO';
  const isDone = randomInt(prng, 2) === 0;
  const from = 1 + randomInt(prng, OPERATIONS_MAX);
  const period = 3 + randomInt(prng, 40);
  let count = 0;
  world.fault = (operation, path) => {
    count++;
    if (operation === 'close') return undefined;
    const isStruck = {
      once: () => count === from,
      // The log is not among them: its first failure would end the life.
      often: () => count % period === 0 && !path.startsWith('/data/log'),
      sticky: () => count >= from && CHANGING.includes(operation),
      catalog: () => count % 2 === 0 && path.startsWith('/data/catalog') && operation === 'rename',
    }[name]();
    return isStruck ? { code, isDone: isDone && code === 'EIO' } : undefined;
  };
}

function room(prng: Prng): number {
  return randomInt(prng, 4) === 0 ? 0 : randomInt(prng, 30_000);
}

/** Slow disks and short reads change nothing but the order of things: any life may have them. */
export function drawPace(world: World, prng: Prng): void {
  world.slowness = [1, 1, 1, 20, 300][randomInt(prng, 5)]!;
  world.shortReadPeriod = [0, 0, 3][randomInt(prng, 3)]!;
}

/** Milliseconds by which the wall clock jumps, and the sleep of the machine. */
export function drawJump(prng: Prng): { readonly wallMs: number; readonly sleptMs: number } {
  const sizeMs = [1000, 60_000, 3_600_000][randomInt(prng, 3)]! * randomUnit(prng);
  const choice = randomInt(prng, 3);
  if (choice === 0) return { wallMs: -sizeMs, sleptMs: 0 };
  if (choice === 1) return { wallMs: sizeMs, sleptMs: 0 };
  return { wallMs: 0, sleptMs: sizeMs };
}
