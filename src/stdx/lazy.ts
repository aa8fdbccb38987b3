// What is made when somebody first needs it. A dynamic import alone would do the same, but it costs
// some twenty microseconds even where the module is there: too much for every request.

/** Gives what `load` gave when it was first called; a failure is not kept. */
export function lazy<T>(load: () => Promise<T>): () => Promise<T> {
  let loaded: Promise<T> | undefined;
  return () => {
    loaded ??= load().catch((error: unknown) => {
      loaded = undefined;
      throw error;
    });
    return loaded;
  };
}
