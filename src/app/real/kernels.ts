// Hands the compiled kernels of dist/wasm down to the codec of this thread. The caller has checked
// that dist/ is fresh.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createIntegerKernel, useIntegerKernel } from '../../codec/kernels.ts';
import { PROJECT_ROOT } from '../build-stamp.ts';

/** Once per thread, before it reads its first block. */
export function loadKernels(): void {
  const module = new WebAssembly.Module(
    readFileSync(join(PROJECT_ROOT, 'dist/wasm/integers.wasm')),
  );
  useIntegerKernel(createIntegerKernel(module));
}
