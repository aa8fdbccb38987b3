// Percent encoding of Warp 10: `%` and two digits are a byte, everything else is itself (`+` too).
import { decodeUtf8 } from '../../codec/utf8.ts';

const MALFORMED = /%(?![0-9a-fA-F]{2})/;

/** The text of bytes [start, end); undefined where it is no UTF-8 or an escape is malformed. */
export function decodePercent(bytes: Uint8Array, start: number, end: number): string | undefined {
  const raw = decodeUtf8(bytes, start, end);
  return raw === undefined ? undefined : decodePercentText(raw);
}

export function decodePercentText(raw: string): string | undefined {
  if (!raw.includes('%')) return raw;
  if (MALFORMED.test(raw)) return undefined;
  try {
    return decodeURIComponent(raw);
  } catch (error) {
    if (error instanceof URIError) return undefined;
    throw error;
  }
}

/** What a parser of Warp 10 reads back as `text`. */
export function encodePercent(text: string): string {
  return text.replaceAll(/[%{}=~,\s'"/#\p{Cc}]/gu, (char) =>
    Array.from(
      new TextEncoder().encode(char),
      (byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`,
    ).join(''),
  );
}
