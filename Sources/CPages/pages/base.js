// What every view needs: elements, requests, what is known of now, the token.
// `at` is the row that the keys have chosen: rows may be drawn anew under it.
export const state = { tick: null, alerts: [], at: null, token: sessionStorage.getItem('token') };
export const $ = id => document.getElementById(id);

// An element; texts are always texts, so that a name can hold anything.
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else if (name === 'class') element.className = value;
    else if (name === 'width') element.style.width = value;
    else if (name === 'background') element.style.background = value;
    else element.setAttribute(name, value === true ? '' : value);
  }
  element.append(...children.flat(Infinity).filter(child => child !== null && child !== undefined && child !== false));
  return element;
}

export async function get(command, query = {}) {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== null && value !== '');
  const response = await fetch('/api/v1/' + command + '?' + new URLSearchParams(given));
  const body = await response.json();
  if (!response.ok) throw new Error([body.what, body.why, body.remedy].filter(Boolean).join(': '));
  return body;
}

export async function post(command, given) {
  const headers = { 'Content-Type': 'application/json' };
  if (state.token) headers.Authorization = 'Bearer ' + state.token;
  const response = await fetch('/api/v1/' + command, { method: 'POST', headers, body: JSON.stringify(given) });
  const text = await response.text();
  if (response.status === 401 || response.status === 403) { setToken(null); askForToken(); throw new Error(text.trim()); }
  const body = JSON.parse(text);
  if (!response.ok) throw new Error([body.what, body.why, body.remedy].filter(Boolean).join(': '));
  return body;
}

// A time that passes, in the unit that a person would say.
export const span = seconds => seconds < 90 ? Math.round(seconds) + ' s' : seconds < 5400 ? Math.round(seconds / 60) + ' min'
  : seconds < 172800 ? (seconds / 3600).toFixed(1) + ' h' : (seconds / 86400).toFixed(1) + ' d';

export function toast(text) {
  $('toast').textContent = text;
  $('toast').hidden = false;
  clearTimeout(toast.timer);
  toast.timer = setTimeout(() => { $('toast').hidden = true; }, 6000);
}

export function setToken(token) {
  state.token = token;
  if (token) sessionStorage.setItem('token', token); else sessionStorage.removeItem('token');
  $('token-button').textContent = token ? 'May change' : 'Read only';
  document.body.dataset.mayChange = token ? 'yes' : 'no';
}

export function askForToken() { $('token-dialog').showModal(); $('token-input').focus(); }
$('token-button').addEventListener('click', askForToken);
$('token-dialog').addEventListener('close', () => {
  if ($('token-dialog').returnValue === 'keep' && $('token-input').value.trim()) setToken($('token-input').value.trim());
  if ($('token-dialog').returnValue === 'forget') setToken(null);
  $('token-input').value = '';
});
