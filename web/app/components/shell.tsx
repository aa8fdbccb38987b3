/** The frame of every place: mark, navigation, the place's controls, theme, keyboard help. */
import { lazy, Suspense, useState, type ReactNode } from 'react';
import { navigate, usePlace } from '../hooks/use-location.ts';
import { useKeys } from '../hooks/use-keys.ts';
import { useSession } from '../hooks/use-session.ts';
import { signOut } from '../api/session.ts';
import { useThemeChoice, type ThemeChoice } from '../hooks/use-theme.ts';
import { Logo } from '../ui/logo.tsx';
import { PlaceLink } from './place-link.tsx';
import { PLACES } from './places.ts';

const KeyHelp = lazy(async () => ({ default: (await import('./key-help.tsx')).KeyHelp }));
const Palette = lazy(async () => ({ default: (await import('./palette.tsx')).Palette }));

interface ShellProps {
  readonly path: string;
  /** The time control of the place. */
  readonly controls: ReactNode;
  /** What `/` does; by default it goes to Explore. */
  readonly onSlash?: () => void;
  readonly children: ReactNode;
}

const THEME_NAMES: Readonly<Record<ThemeChoice, readonly [string, string]>> = {
  system: ['◐', 'Theme: system'],
  light: ['○', 'Theme: light'],
  dark: ['●', 'Theme: dark'],
};

export function Shell({ path, controls, onSlash, children }: ShellProps): ReactNode {
  const [open, setOpen] = useState<'keys' | 'palette' | undefined>(undefined);
  const [theme, cycleTheme] = useThemeChoice();
  const { token } = useSession();
  const [mark, themeName] = THEME_NAMES[theme];
  // The zone is the reader's way to read times: it goes with her to the next place.
  const zone = new URLSearchParams(usePlace().search).get('tz') === 'utc' ? '?tz=utc' : '';
  useKeys({
    '?': () => setOpen('keys'),
    'Ctrl-k': () => setOpen('palette'),
    '/': onSlash ?? (() => navigate({ path: 'explore', search: '' }, { replace: false })),
  });
  // A dialog says late that it closed: by then another may be open, which stays.
  const close = (which: typeof open): void => setOpen((now) => (now === which ? undefined : now));
  return (
    <>
      <a className="skip" href="#main">
        Skip to content
      </a>
      <header className="header">
        <PlaceLink to={{ path: '', search: zone }} className="brand">
          <Logo />
          <span>Orrery</span>
        </PlaceLink>
        <nav aria-label="Places">
          {PLACES.map((place) => (
            <PlaceLink
              key={place.path}
              to={{ path: place.path, search: zone }}
              isCurrent={place.path === path}
            >
              {place.name}
            </PlaceLink>
          ))}
        </nav>
        <div className="header-tools">
          {token !== undefined && (
            <button type="button" className="button" onClick={signOut}>
              Sign out
            </button>
          )}
          <button type="button" className="button icon" onClick={cycleTheme} aria-label={themeName}>
            <span aria-hidden="true">{mark}</span>
          </button>
          <button
            type="button"
            className="button icon"
            onClick={() => setOpen('keys')}
            aria-label="Keyboard"
          >
            <span aria-hidden="true">?</span>
          </button>
        </div>
        <div className="header-controls">{controls}</div>
      </header>
      <main id="main" tabIndex={-1}>
        {children}
      </main>
      <Suspense fallback={null}>
        {open === 'keys' && <KeyHelp onClose={() => close('keys')} />}
        {open === 'palette' && <Palette onClose={() => close('palette')} />}
      </Suspense>
    </>
  );
}
