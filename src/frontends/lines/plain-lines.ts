// Lines that every line break ends: most protocols'.
import { LINE_BYTES_MAX } from './limits.ts';
import type { LineEnds, LineRules } from './line-session.ts';

const LF = 10;

class PlainEnds implements LineEnds {
  first = 0;
  last = 0;

  take(piece: Uint8Array): void {
    this.last = piece.lastIndexOf(LF) + 1;
    this.first = this.last === 0 ? 0 : piece.indexOf(LF) + 1;
  }

  restart(): void {
    // A line is no different from what was before it.
  }
}

export const PLAIN_LINES: LineRules = {
  ends: () => new PlainEnds(),
  lineBytesMax: LINE_BYTES_MAX,
};
