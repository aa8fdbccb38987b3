// Samples that are a full block of a part, as they are: a merge that passes them on copies the body
// (docs/formats/block.md) instead of encoding it again. Known by identity: samples that were cut,
// joined or resolved are other objects. The format of bodies is that of the one part version that
// is read and written.
import type { Samples } from '../model/columns.ts';

const bodies = new WeakMap<Samples, Uint8Array>();

/** `body` is what `samples` were decoded from, checksum compared; it is kept as it is. */
export function rememberBody(samples: Samples, body: Uint8Array): void {
  bodies.set(samples, body);
}

/** undefined where the samples are not known to be one whole block. */
export function bodyOf(samples: Samples): Uint8Array | undefined {
  return bodies.get(samples);
}
