// Test-only switches that break one safety mechanism each, so that a suite can prove that it goes red
// without it. No setting, flag or file reaches them: only tests construct a component with one set.

export interface Mutations {
  /** Checksums are computed but never compared (log frames, blocks). */
  readonly skipCrc?: boolean;
  /** Replay starts at the start of the log instead of the frontier. */
  readonly skipFrontier?: boolean;
  /** Pins do not keep what they pin. */
  readonly skipPin?: boolean;
}
