/** Picks the page for the address. Home comes with the first script, other places later. */
import { lazy, Suspense, type ReactNode } from 'react';
import { usePlace } from './hooks/use-location.ts';
import { useSession } from './hooks/use-session.ts';
import { HomePage } from './pages/home-page.tsx';
import { UnknownPage } from './pages/unknown-page.tsx';

const ExplorePage = lazy(async () => ({
  default: (await import('./pages/explore-page.tsx')).ExplorePage,
}));

const MetricsPage = lazy(async () => ({
  default: (await import('./pages/metrics-page.tsx')).MetricsPage,
}));
const IngestPage = lazy(async () => ({
  default: (await import('./pages/ingest-page.tsx')).IngestPage,
}));
const SignIn = lazy(async () => ({
  default: (await import('./components/sign-in.tsx')).SignIn,
}));
const TenantsPage = lazy(async () => ({
  default: (await import('./pages/tenants-page.tsx')).TenantsPage,
}));
const StatusPage = lazy(async () => ({
  default: (await import('./pages/status-page.tsx')).StatusPage,
}));

export function App(): ReactNode {
  const { token, isNeeded } = useSession();
  // Another token is another reader: nothing of what the one before saw stays.
  return (
    <Suspense fallback={null}>
      {isNeeded ? <SignIn isRefused={token !== undefined} /> : <Page key={token} />}
    </Suspense>
  );
}

function Page(): ReactNode {
  const place = usePlace();
  switch (place.path) {
    case '':
      return <HomePage search={place.search} />;
    case 'explore':
      return <ExplorePage search={place.search} />;
    case 'metrics-browser':
      return <MetricsPage search={place.search} />;
    case 'ingest':
      return <IngestPage search={place.search} />;
    case 'tenants':
      return <TenantsPage search={place.search} />;
    case 'status':
      return <StatusPage />;
    default:
      return <UnknownPage path={place.path} />;
  }
}
