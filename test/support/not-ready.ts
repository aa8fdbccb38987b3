/** A server process ended before it said that it is ready. */
export class NotReadyError extends Error {
  readonly signal: NodeJS.Signals | null;

  constructor(signal: NodeJS.Signals | null, message: string) {
    super(message);
    this.signal = signal;
  }
}
