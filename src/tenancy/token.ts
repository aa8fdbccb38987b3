// Tokens as clients hold them: `orr_ID_SECRET`, both parts of a-z and 2-7, 60 and 260 random bits.
// The id is public and finds the record; of the secret only the hash is kept.
import { Sha256 } from '../codec/sha256.ts';
import type { Prng } from '../stdx/prng.ts';

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567';
const ID_LENGTH = 12;
const SECRET_LENGTH = 52;

export interface MintedToken {
  readonly id: string;
  /** What the client gets, once. */
  readonly token: string;
  /** SHA-256 of the secret, hex. */
  readonly hash: string;
}

/** `prng` must be the system's source of randomness. */
export function mintToken(prng: Prng): MintedToken {
  const id = randomText(prng, ID_LENGTH);
  const secret = randomText(prng, SECRET_LENGTH);
  return { id, token: `orr_${id}_${secret}`, hash: hashSecret(secret) };
}

function hashSecret(secret: string): string {
  const digest = new Sha256();
  digest.update(new TextEncoder().encode(secret));
  return digest.finish().toHex();
}

/** Each character has five bits of a byte of its own. */
function randomText(prng: Prng, length: number): string {
  return Array.from(prng.bytes(length), (byte) => ALPHABET[byte & 31]).join('');
}
