/** Picks the page for the address. */
import type { ReactNode } from 'react';
import { usePlace } from './hooks/use-location.ts';
import { ExplorePage } from './pages/explore-page.tsx';
import { HomePage } from './pages/home-page.tsx';
import { UnknownPage } from './pages/unknown-page.tsx';

export function App(): ReactNode {
  const place = usePlace();
  switch (place.path) {
    case '':
      return <HomePage search={place.search} />;
    case 'explore':
      return <ExplorePage search={place.search} />;
    default:
      return <UnknownPage path={place.path} />;
  }
}
