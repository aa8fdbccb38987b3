// SQLite's write-ahead log, looked at frame by frame. SQLite itself stops at the first frame whose
// checksum is wrong and takes the rest for a torn tail; here it is told whether more followed.
// Source: sqlite.org/fileformat2.html, "The Write-Ahead Log".
import type { OpenFile } from '../stdx/files.ts';

const HEADER_BYTES = 32;
const FRAME_HEADER_BYTES = 24;
const MAGIC = 0x377f0682;
const PAGE_SIZE_MAX_BYTES = 65_536;

export interface WalProblem {
  readonly position: number;
  readonly what: string;
  /** False for a last frame, which a transaction that never ended may have left torn. */
  readonly isCertain: boolean;
}

/** Checksum of a run of words, continued from `sum`; changes it. */
function addChecksum(
  sum: Uint32Array,
  view: DataView,
  start: number,
  end: number,
  little: boolean,
) {
  let a = sum[0]!;
  let b = sum[1]!;
  for (let at = start; at < end; at += 8) {
    a = (a + view.getUint32(at, little) + b) >>> 0;
    b = (b + view.getUint32(at + 4, little) + a) >>> 0;
  }
  sum[0] = a;
  sum[1] = b;
}

/** What is damaged; undefined for a sound file and an empty one. */
export async function checkWal(file: OpenFile): Promise<WalProblem | undefined> {
  const sizeBytes = file.sizeBytes();
  if (sizeBytes < HEADER_BYTES) return undefined;
  const header = new DataView(new ArrayBuffer(HEADER_BYTES));
  await file.read(new Uint8Array(header.buffer), 0);
  const magic = header.getUint32(0);
  const isLittle = magic === MAGIC;
  const sum = new Uint32Array(2);
  addChecksum(sum, header, 0, 24, isLittle);
  const pageSize = header.getUint32(8);
  const isSound =
    (isLittle || magic === MAGIC + 1) &&
    pageSize <= PAGE_SIZE_MAX_BYTES &&
    sum[0] === header.getUint32(24) &&
    sum[1] === header.getUint32(28);
  if (!isSound)
    return {
      position: 0,
      what: 'its header is damaged: all commits since the last checkpoint are lost',
      isCertain: true,
    };
  const salts = [header.getUint32(16), header.getUint32(20)] as const;
  const frameBytes = FRAME_HEADER_BYTES + pageSize;
  const frame = new DataView(new ArrayBuffer(frameBytes));
  let brokenAt = -1;
  let tornAt = -1;
  for (let at = HEADER_BYTES; at + frameBytes <= sizeBytes; at += frameBytes) {
    await file.read(new Uint8Array(frame.buffer), at);
    const isOfThisUse = frame.getUint32(8) === salts[0] && frame.getUint32(12) === salts[1];
    if (brokenAt >= 0) {
      if (!isOfThisUse) continue;
      const what = 'a frame is damaged: the commits from there on are lost';
      return { position: brokenAt, what, isCertain: true };
    }
    addChecksum(sum, frame, 0, 8, isLittle);
    addChecksum(sum, frame, FRAME_HEADER_BYTES, frameBytes, isLittle);
    if (isOfThisUse && sum[0] === frame.getUint32(16) && sum[1] === frame.getUint32(20)) continue;
    brokenAt = at;
    if (isOfThisUse) tornAt = at;
  }
  if (tornAt < 0) return undefined;
  const what =
    'its last frame is damaged: a transaction that never ended, or a commit that is lost';
  return { position: tornAt, what, isCertain: false };
}
