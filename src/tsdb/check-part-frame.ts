// Head and footer of a part, read without the rest (docs/formats/part.md).
import { crc32c } from '../codec/crc32c.ts';
import { AppError } from '../model/errors.ts';
import { FOOTER_MAGIC, FOOTER_SIZE, HEAD_MAGIC, PART_VERSION } from './part-format.ts';

export const HEAD_SIZE = 16;

export interface PartFooter {
  readonly level: number;
  readonly seqMin: number;
  readonly seqMax: number;
  readonly sampleCount: number;
}

function text(bytes: Uint8Array, length: number): string {
  return String.fromCharCode(...bytes.subarray(0, length));
}

/** What is wrong with the first 16 bytes. */
export function checkHead(bytes: Uint8Array): string | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const isSound =
    text(bytes, HEAD_MAGIC.length) === HEAD_MAGIC &&
    view.getUint32(8, true) === PART_VERSION &&
    view.getUint32(12, true) === 0;
  return isSound ? undefined : 'the head is damaged (readers do without it)';
}

function fail(what: string): AppError {
  return new AppError('corrupt', 'corrupt-part', what);
}

/** Throws AppError corrupt. */
export function readFooterFields(bytes: Uint8Array): PartFooter {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  if (text(bytes, FOOTER_MAGIC.length) !== FOOTER_MAGIC) throw fail('there is no footer');
  const version = view.getUint32(8, true);
  if (version !== PART_VERSION) throw fail(`part version ${version}, known is ${PART_VERSION}`);
  if (view.getUint32(FOOTER_SIZE - 4, true) !== crc32c(bytes.subarray(0, FOOTER_SIZE - 4)))
    throw fail('the checksum of the footer is wrong');
  return {
    seqMin: view.getFloat64(32, true),
    seqMax: view.getFloat64(40, true),
    sampleCount: view.getFloat64(48, true),
    level: view.getUint32(56, true),
  };
}
