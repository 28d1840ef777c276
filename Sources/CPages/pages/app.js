// The page's frame: which view is shown, what comes live, the keys.
import { $, h, setToken, state, toast } from './base.js';
import * as views from './views.js';
import { gallery } from './gallery.js';
import { forecast } from './forecast.js';

const main = $('main');

// Views: each draws itself into main and may give back what to do when something comes.
let current = { name: '', live: null };
const known = { ...views.views, gallery, forecast };

// How soon the page and its first view were there, in milliseconds: `anomalylab bench paint` reads it.
const measured = document.documentElement.dataset;
new PerformanceObserver(list => { measured.firstPaint = list.getEntries()[0].startTime.toFixed(1); }).observe({ type: 'paint', buffered: true });
function shown() { measured.firstView ??= performance.now().toFixed(1); }

async function show() {
  const [name, ...rest] = decodeURI(location.hash.slice(1) || 'streams').split('/');
  const argument = rest.length ? decodeURIComponent(location.hash.slice(1).split('/').slice(1).join('/')) : null;
  const view = known[name] ?? known.streams;
  document.querySelectorAll('nav a').forEach(link => {
    if (link.dataset.view === (known[name] ? name : 'streams').replace(/^(stream|forecast)$/, 'streams').replace(/^incident$/, 'incidents')) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  });
  const mine = { name: location.hash, live: null };
  current = mine;
  const fill = (...children) => { if (current === mine) main.replaceChildren(...children.flat(Infinity).filter(Boolean)); };
  try {
    mine.live = await view(argument, fill);
    shown();
  } catch (error) {
    fill(h('p', { class: 'bad', role: 'alert' }, error.message));
  }
  if (state.tick && mine.live) mine.live(state.tick);
}
window.addEventListener('hashchange', () => { show(); main.focus({ preventScroll: true }); window.scrollTo(0, 0); });
let resizing;
window.addEventListener('resize', () => { clearTimeout(resizing); resizing = setTimeout(show, 150); });
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', show);

// What comes live.
function pulse(kind, text) { document.querySelector('.dot').className = 'dot ' + kind; $('pulse-text').textContent = text; }

function listen() {
  const source = new EventSource('/api/v1/events');
  source.addEventListener('tick', event => {
    state.tick = JSON.parse(event.data);
    const status = state.tick.status;
    pulse(status.state.healthy ? 'good' : 'bad', `${Math.round(status.totals.events_per_second).toLocaleString('en')} events/s · ${state.tick.total.toLocaleString('en')} streams`);
    $('open-count').hidden = !status.alerts.open_incidents;
    $('open-count').textContent = status.alerts.open_incidents;
    if (current.live) current.live(state.tick);
  });
  source.addEventListener('alert', event => {
    const alert = JSON.parse(event.data);
    state.alerts.unshift(alert);
    state.alerts.length = Math.min(state.alerts.length, 200);
    if (alert.state === 'open') toast(`${alert.severity}: ${alert.stream}: ${alert.text}`);
    if (current.live) current.live(state.tick, alert);
  });
  source.onerror = () => pulse('bad', 'no connection: trying again');
}

// Keys.
const order = ['streams', 'incidents', 'models', 'gallery', 'health'];
document.addEventListener('keydown', event => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName);
  if (event.key === 'Escape' && typing) { event.target.blur(); return; }
  if (typing || document.querySelector('dialog[open]')) return;
  const rows = [...main.querySelectorAll('tr[data-href]')];
  const at = rows.findIndex(row => row.dataset.href === state.at);
  const go = index => {
    if (!rows.length) return;
    rows[at]?.classList.remove('at');
    const row = rows[Math.max(0, Math.min(rows.length - 1, index))];
    row.classList.add('at');
    state.at = row.dataset.href;
    row.scrollIntoView({ block: 'nearest' });
  };
  if (event.key >= '1' && event.key <= '5') location.hash = order[event.key - 1];
  else if (event.key === 'j' || event.key === 'ArrowDown' && rows.length) { go(at + 1); event.preventDefault(); }
  else if (event.key === 'k' || event.key === 'ArrowUp' && rows.length) { go(at < 0 ? 0 : at - 1); event.preventDefault(); }
  else if (event.key === 'Enter' && at >= 0) location.hash = rows[at].dataset.href;
  else if (event.key === '/') { main.querySelector('input[type=search]')?.focus(); event.preventDefault(); }
  else if (event.key === 'Escape') history.back();
  else if (event.key === '?') $('keys-dialog').showModal();
});
main.addEventListener('click', event => {
  const row = event.target.closest('tr[data-href]');
  if (row && !event.target.closest('a, button')) location.hash = row.dataset.href;
});

setToken(state.token);
// The frame is painted before anything is asked for; a page in the background is not painted at all.
if (document.hidden) show(); else requestAnimationFrame(() => setTimeout(show));
listen();
