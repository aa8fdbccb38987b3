/** A name whose lines end behind its separators, where they can, instead of within its words. */
import { Fragment } from 'react';
import type { ReactNode } from 'react';
import { visible } from '../util/labels.ts';

const BEHIND_SEPARATOR = /(?<=[_.:/=])(?=[^_.:/=])/;

export function WrappedName({ text }: { readonly text: string }): ReactNode {
  let offset = 0;
  return visible(text)
    .split(BEHIND_SEPARATOR)
    .map((piece) => {
      const at = offset;
      offset += piece.length;
      return (
        <Fragment key={at}>
          {at > 0 && <wbr />}
          {piece}
        </Fragment>
      );
    });
}
