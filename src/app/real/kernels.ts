// Hands the compiled kernels of dist/wasm down to the codec and the head of this thread. The caller
// has checked that dist/ is fresh.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createColumnKernel, useColumnKernel } from '../../codec/kernels.ts';
import { useEncodeKernel } from '../../codec/encode-kernel.ts';
import { useSnappyKernel } from '../../codec/snappy-kernel.ts';
import { useVectorKernel } from '../../codec/vector-kernel.ts';
import { useLinesKernel } from '../../formats/lines-kernel.ts';
import { useWriteKernel } from '../../formats/remote-write/write-kernel.ts';
import { useNumberKernel } from '../../query/number-kernel.ts';
import { useAppendKernel } from '../../tsdb/append-kernel.ts';
import { usePagesKernel } from '../../tsdb/pages-kernel.ts';
import { useRecordValuesKernel } from '../../tsdb/record-values-kernel.ts';
import { useSealKernel } from '../../tsdb/seal-kernel.ts';
import { useWindowKernel } from '../../windows/window-kernel.ts';
import { PROJECT_ROOT } from '../build-stamp.ts';

function moduleOf(name: string): WebAssembly.Module {
  return new WebAssembly.Module(readFileSync(join(PROJECT_ROOT, 'dist/wasm', `${name}.wasm`)));
}

/** Once per thread, before it reads its first block. */
export function loadKernels(): void {
  useColumnKernel(createColumnKernel(moduleOf('columns')));
  useEncodeKernel(() => moduleOf('encode'));
  useSnappyKernel(() => moduleOf('snappy'));
  useLinesKernel(() => moduleOf('lines'));
  useWriteKernel(() => moduleOf('remote-write'));
  useVectorKernel(() => moduleOf('vector'));
  useAppendKernel(() => moduleOf('append'));
  usePagesKernel(() => moduleOf('pages'));
  useSealKernel(() => moduleOf('seal'));
  useRecordValuesKernel(() => moduleOf('record-values'));
  useNumberKernel(() => moduleOf('numbers'));
  useWindowKernel(() => moduleOf('windows'));
}
