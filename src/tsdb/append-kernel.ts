// kernels/append.ts over the memory of a head; without it append-reference.ts does the same.

/**
 * Appends samples [from, to) of the scratch at the address; the first one that it does not take, or
 * `to`.
 */
export type AppendSamples = (scratchAt: number, from: number, to: number) => number;

let load: (() => WebAssembly.Module) | undefined;
let module: WebAssembly.Module | undefined;

/** Makes heads of this thread append with the compiled kernel; undefined: without it. */
export function useAppendKernel(next: (() => WebAssembly.Module) | undefined): void {
  load = next;
  module = undefined;
}

/** What the compiler wants to import; nothing in the kernel calls it. */
function abort(): never {
  throw new Error('the append kernel gave up');
}

/** The kernel over a memory, which must be shared; undefined where the thread has none. */
export function createAppendKernel(memory: WebAssembly.Memory): AppendSamples | undefined {
  module ??= load?.();
  if (module === undefined) return undefined;
  const { exports } = new WebAssembly.Instance(module, { env: { memory, abort } });
  // The name and the type are those of kernels/append.ts.
  return exports['append'] as AppendSamples;
}
