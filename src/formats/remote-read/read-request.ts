// Prometheus remote read: an uncompressed prometheus.ReadRequest.
//
//   ReadRequest  = 1: Query*, 2: ResponseType* (0 = samples, 1 = streamed chunks)
//   Query        = 1: int64 start_timestamp_ms, 2: int64 end_timestamp_ms, 3: LabelMatcher*
//   LabelMatcher = 1: type (=, !=, =~, !~), 2: string name, 3: string value
//
// Source: prompb/{remote,types}.proto. Hints (field 4 of a query) are advice and skipped.
import { ProtobufError, ProtobufReader, WIRE } from '../../codec/protobuf.ts';
import { decodeUtf8 } from '../../codec/utf8.ts';
import { READ_QUERIES_MAX } from '../limits.ts';

export interface ReadMatcher {
  readonly type: '=' | '!=' | '=~' | '!~';
  readonly name: string;
  readonly value: string;
}

export interface ReadQuery {
  readonly startMs: number;
  readonly endMs: number;
  readonly matchers: readonly ReadMatcher[];
}

export interface ReadRequest {
  readonly queries: readonly ReadQuery[];
  /** By number, best liked first; empty: samples. */
  readonly acceptedTypes: readonly number[];
}

const QUERY_TAG = (1 << 3) | WIRE.bytes;
const TYPE_TAG = (2 << 3) | WIRE.varint;
const TYPES_TAG = (2 << 3) | WIRE.bytes;
const FIRST_VARINT = (1 << 3) | WIRE.varint;
const SECOND_VARINT = (2 << 3) | WIRE.varint;
const SECOND_BYTES = (2 << 3) | WIRE.bytes;
const THIRD_BYTES = (3 << 3) | WIRE.bytes;
const MATCH_TYPES = ['=', '!=', '=~', '!~'] as const;

/** Reads one nested message; `field` gets each tag and reads or skips what belongs to it. */
function nested(reader: ProtobufReader, field: (tag: number) => void): void {
  const outerEnd = reader.end;
  const stop = reader.lengthEnd();
  reader.end = stop;
  while (reader.at < stop) field(reader.tag());
  reader.end = outerEnd;
}

function text(reader: ProtobufReader): string {
  const end = reader.lengthEnd();
  const found = decodeUtf8(reader.bytes, reader.at, end);
  if (found === undefined) throw new ProtobufError(`text that is not UTF-8 at byte ${reader.at}`);
  reader.at = end;
  return found;
}

function readMatcher(reader: ProtobufReader): ReadMatcher {
  let type = 0;
  let name = '';
  let value = '';
  nested(reader, (tag) => {
    if (tag === FIRST_VARINT) type = reader.uint32();
    else if (tag === SECOND_BYTES) name = text(reader);
    else if (tag === THIRD_BYTES) value = text(reader);
    else reader.skip(tag);
  });
  const word = MATCH_TYPES[type];
  if (word === undefined) throw new ProtobufError(`invalid matcher type ${type}`);
  return { type: word, name, value };
}

function readQuery(reader: ProtobufReader): ReadQuery {
  let startMs = 0;
  let endMs = 0;
  const matchers: ReadMatcher[] = [];
  nested(reader, (tag) => {
    if (tag === FIRST_VARINT) startMs = reader.int64();
    else if (tag === SECOND_VARINT) endMs = reader.int64();
    else if (tag === THIRD_BYTES) {
      if (matchers.length === READ_QUERIES_MAX)
        throw new ProtobufError(`more than ${READ_QUERIES_MAX} matchers`);
      matchers.push(readMatcher(reader));
    } else reader.skip(tag);
  });
  return { startMs, endMs, matchers };
}

/** Throws ProtobufError for what is no such message. */
export function decodeReadRequest(body: Uint8Array): ReadRequest {
  const reader = new ProtobufReader(body, 0, body.length);
  const queries: ReadQuery[] = [];
  const acceptedTypes: number[] = [];
  const accept = (): void => {
    if (acceptedTypes.length === READ_QUERIES_MAX) throw new ProtobufError('too many types');
    acceptedTypes.push(reader.uint32());
  };
  while (reader.at < body.length) {
    const tag = reader.tag();
    if (tag === QUERY_TAG) {
      if (queries.length === READ_QUERIES_MAX)
        throw new ProtobufError(`more than ${READ_QUERIES_MAX} queries`);
      queries.push(readQuery(reader));
    } else if (tag === TYPE_TAG) accept();
    else if (tag === TYPES_TAG) {
      const stop = reader.lengthEnd();
      while (reader.at < stop) accept();
    } else reader.skip(tag);
  }
  return { queries, acceptedTypes };
}
