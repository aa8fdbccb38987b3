// kernels/seal.ts over the memory of a head; without it head-sealed.ts does the same.

/** The scratch begins with the pages to seal, i32, oldest first; so far behind is their image. */
export const SEAL_IMAGE_AT = 1024;
/** kernels/shared/seal-scratch.ts has the same number. */
export const SEAL_SCRATCH_BYTES = 25_872;

/**
 * Makes the sealed page of the first `pages` pages of the list, closed ones of one kind without
 * companions, whose link is 0; its size in bytes. −1: their times are too far apart; 0: the pages
 * are other ones, or more than 256 samples.
 */
export type SealPages = (scratch: number, pages: number) => number;

let load: (() => WebAssembly.Module) | undefined;
let module: WebAssembly.Module | undefined;

/** Makes heads of this thread be sealed with the compiled kernel; undefined: without it. */
export function useSealKernel(next: (() => WebAssembly.Module) | undefined): void {
  load = next;
  module = undefined;
}

/** What the compiler wants to import; nothing in the kernel calls it. */
function abort(): never {
  throw new Error('the seal kernel gave up');
}

/** The kernel over a memory, which must be shared; undefined where the thread has none. */
export function createSealKernel(memory: WebAssembly.Memory): SealPages | undefined {
  module ??= load?.();
  if (module === undefined) return undefined;
  const { exports } = new WebAssembly.Instance(module, { env: { memory, abort } });
  // The name and the type are those of kernels/seal.ts.
  return exports['seal'] as SealPages;
}
