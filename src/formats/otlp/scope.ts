// The scope of metrics: what made them.
//
//   InstrumentationScope = 1: string name, 2: string version, 3: KeyValue* attributes
import type { ProtobufReader } from '../../codec/protobuf.ts';
import { WIRE } from '../../codec/protobuf.ts';
import { decodeUtf8 } from '../../codec/utf8.ts';
import { eachField, readAttributes } from './attributes.ts';
import type { ScopeParts } from './labels.ts';

const NAME = (1 << 3) | WIRE.bytes;
const VERSION = (2 << 3) | WIRE.bytes;
const ATTRIBUTE = (3 << 3) | WIRE.bytes;

interface Range {
  readonly start: number;
  readonly end: number;
}

/** The scope at `range`; or why its texts cannot be labels. */
export function readScope(
  reader: ProtobufReader,
  range: Range,
  schema: Range,
): ScopeParts | string {
  const { at, end } = reader;
  let name: string | undefined = '';
  let version: string | undefined = '';
  reader.at = range.start;
  reader.end = range.end;
  eachField(reader, range.end, (tag) => {
    if (tag !== NAME && tag !== VERSION) return false;
    const stop = reader.lengthEnd();
    const text = decodeUtf8(reader.bytes, reader.at, stop);
    if (tag === NAME) name = text;
    else version = text;
    reader.at = stop;
    return true;
  });
  reader.at = at;
  reader.end = end;
  const attributes = readAttributes(reader, range.start, range.end, ATTRIBUTE);
  if (typeof attributes === 'string') return attributes;
  const schemaUrl = decodeUtf8(reader.bytes, schema.start, schema.end);
  if (name === undefined || version === undefined || schemaUrl === undefined)
    return 'name, version or schema of a scope is not valid UTF-8';
  return { name, version, schemaUrl, attributes };
}
