// Runs before first paint so that a chosen theme never flashes the other one. Without a choice the
// system decides. A file of its own because the content security policy forbids inline scripts.
try {
  const theme = localStorage.getItem('orrery.theme');
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
} catch {
  // Storage may be forbidden by the browser; the system's theme is then the right one.
  delete document.documentElement.dataset.theme;
}
