// Tokens as clients hold them: `orr_ID_SECRET`, both parts of a-z and 2-7, 60 and 260 random bits.
// The id is public and finds the record; of the secret only the hash is kept. No secret is ever
// part of an error, a log line or an answer, but of the one answer that hands it out.
import { sha256Hex } from '../codec/sha256.ts';
import type { Prng } from '../stdx/prng.ts';

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567';
const PREFIX = 'orr_';
const ID_LENGTH = 12;
const SECRET_LENGTH = 52;
const SECRET_START = PREFIX.length + ID_LENGTH + 1;
const TOKEN_LENGTH = SECRET_START + SECRET_LENGTH;
const HASH_LENGTH = 64;

const TOKEN = /^orr_[a-z2-7]{12}_[a-z2-7]{52}$/;
/** Whatever stands where a secret would: one that was mistyped or cut is a secret too. */
const SECRETS = /(orr_[a-z2-7]{12}_)[A-Za-z0-9]+/g;

export interface MintedToken {
  readonly id: string;
  /** What the client gets, once. */
  readonly token: string;
  /** SHA-256 of the secret, hex. */
  readonly hash: string;
}

export interface ParsedToken {
  readonly id: string;
  readonly secret: string;
}

/** `prng` must be the system's source of randomness. */
export function mintToken(prng: Prng): MintedToken {
  const id = randomText(prng, ID_LENGTH);
  const secret = randomText(prng, SECRET_LENGTH);
  return { id, token: `${PREFIX}${id}_${secret}`, hash: sha256Hex(secret) };
}

/** undefined: it has not the form of a token, whatever it is. */
export function parseToken(text: string): ParsedToken | undefined {
  if (text.length !== TOKEN_LENGTH || !TOKEN.test(text)) return undefined;
  return { id: tokenIdOf(text), secret: text.slice(SECRET_START) };
}

/** Where the id stands in whatever is shown as a token. */
export function tokenIdOf(text: string): string {
  return text.slice(PREFIX.length, SECRET_START - 1);
}

/** Of the length of a token, and nobody's. */
export const NO_TOKEN = ' '.repeat(TOKEN_LENGTH);

/** Is a text that somebody shows this token, or NO_TOKEN? In the same time whatever the answer. */
export function isSameToken(shown: string, token: string): boolean {
  let difference = shown.length ^ TOKEN_LENGTH;
  // Beyond its end a text has no character: NaN, of which `^` makes 0.
  for (let i = 0; i < TOKEN_LENGTH; i++) difference |= shown.charCodeAt(i) ^ token.charCodeAt(i);
  return difference === 0;
}

/** Is it the secret of that hash? In the same time whatever the answer. */
export function isSecretOf(secret: string, hash: string): boolean {
  const own = sha256Hex(secret);
  let difference = hash.length ^ HASH_LENGTH;
  for (let i = 0; i < HASH_LENGTH; i++) difference |= own.charCodeAt(i) ^ hash.charCodeAt(i);
  return difference === 0;
}

/** The text with every secret in it left out: for what is told to others than its owner. */
export function withoutSecrets(text: string): string {
  return text.includes(PREFIX) ? text.replaceAll(SECRETS, '$1…') : text;
}

/** Each character has five bits of a byte of its own. */
function randomText(prng: Prng, length: number): string {
  return Array.from(prng.bytes(length), (byte) => ALPHABET[byte & 31]).join('');
}
