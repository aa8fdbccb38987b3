/** The places of the console, in the order of the navigation. A place is listed once it works. */
export interface PlaceEntry {
  readonly path: string;
  readonly name: string;
  /** The question the place answers. */
  readonly answers: string;
}

export const PLACES: readonly PlaceEntry[] = [
  { path: '', name: 'Home', answers: 'Is this machine well? Is Orrery well?' },
  { path: 'explore', name: 'Explore', answers: 'What does this query say?' },
  { path: 'metrics-browser', name: 'Metrics', answers: 'What is there? Names, labels, counts' },
  { path: 'ingest', name: 'Ingest', answers: 'Why is my sample not there? Rules, refused rows' },
  { path: 'tenants', name: 'Tenants', answers: 'Who may what? Tokens, limits, who changed it' },
  { path: 'status', name: 'Status', answers: 'What runs now? What is stored?' },
];
