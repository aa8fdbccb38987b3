// UTF-8 bytes to strings, strictly: labels and string values are well-formed Unicode or refused.
// Used off the hit path (dictionary misses, string values, errors), so clarity before speed; the
// one thing worth doing is to skip the decoder for ASCII.

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const lenient = new TextDecoder('utf-8', { ignoreBOM: true });
/** Up to this many ASCII bytes a string is built directly. */
const SHORT_TEXT_BYTES = 24;

function isAscii(bytes: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (bytes[i]! > 127) return false;
  return true;
}

/** The text of bytes [start, end), or undefined where they are not well-formed UTF-8. */
export function decodeUtf8(bytes: Uint8Array, start: number, end: number): string | undefined {
  if (isAscii(bytes, start, end)) {
    if (end - start > SHORT_TEXT_BYTES) return lenient.decode(bytes.subarray(start, end));
    let text = '';
    for (let i = start; i < end; i++) text += String.fromCharCode(bytes[i]!);
    return text;
  }
  try {
    return strict.decode(bytes.subarray(start, end));
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}

/** The text for a message: malformed bytes become U+FFFD. */
export function decodeUtf8Lenient(bytes: Uint8Array, start: number, end: number): string {
  return lenient.decode(bytes.subarray(start, end));
}
