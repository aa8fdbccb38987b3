// A producer that makes the next item while its consumer is busy with the one before.

/**
 * The items of `source` in order; the one behind each is asked for when the one is handed out. So
 * an item must stay as it is until the one after the next is asked for. Whoever ends early waits
 * until `source` has ended too: nothing of it runs on afterwards. Throws what `source` throws, in
 * its turn.
 */
export async function* oneAhead<T>(
  source: AsyncGenerator<T, void, undefined>,
): AsyncGenerator<T, void, undefined> {
  try {
    let next = source.next();
    for (;;) {
      const { value, done } = await next;
      if (done === true) return;
      next = source.next();
      // Looked at in its turn; until then a failure is nobody's.
      next.catch(() => undefined);
      yield value;
    }
  } finally {
    await source.return();
  }
}
