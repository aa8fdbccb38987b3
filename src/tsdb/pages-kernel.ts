// kernels/pages.ts over the memory of a head; without it head-read.ts does the same.

/** All take addresses in bytes; pages are cells, as everywhere in the head. */
export interface PagesKernel {
  /**
   * The first `count` samples of a chain to columns of times and values; 0 where it is none of one
   * kind of 64-bit values without companions.
   */
  readonly readChain: (
    scratch: number,
    page: number,
    count: number,
    tUs: number,
    values: number,
  ) => number;
  /** Brings the pages of chains near, whose newest pages stand at `newest` and are overwritten. */
  readonly lookAhead: (newest: number, count: number) => number;
}

let load: (() => WebAssembly.Module) | undefined;
let module: WebAssembly.Module | undefined;

/** Makes heads of this thread be read with the compiled kernel; undefined: without it. */
export function usePagesKernel(next: (() => WebAssembly.Module) | undefined): void {
  load = next;
  module = undefined;
}

/** What the compiler wants to import; nothing in the kernel calls it. */
function abort(): never {
  throw new Error('the pages kernel gave up');
}

/** The kernel over a memory, which must be shared; undefined where the thread has none. */
export function createPagesKernel(memory: WebAssembly.Memory): PagesKernel | undefined {
  module ??= load?.();
  if (module === undefined) return undefined;
  const { exports } = new WebAssembly.Instance(module, { env: { memory, abort } });
  // The names and the types are those of kernels/pages.ts.
  return exports as unknown as PagesKernel;
}
