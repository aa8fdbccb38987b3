/** Entry of the console: styles, then the page the address names. */
import './ui/tokens.css';
import 'uplot/dist/uPlot.min.css';
import './ui/base.css';
import './ui/layout.css';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './app.tsx';

const root = document.querySelector('#root');
if (root === null) throw new Error('index.html has no #root');
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
