// How a stream goes on: what came, what is foretold, between which values nine in ten are meant to lie, and a limit.
import { h, get, span } from './base.js';
import { forecastChart, number, clock, colours } from './charts.js';

const chosen = new Map();

// When a limit is reached, in words.
function reaching(field, from, end) {
  const limit = field.limit;
  if (!limit) return '';
  const at = time => `in ${span(time - from)} (${clock(time, true)} UTC)`;
  const within = `within ${span(end - from)}`;
  if (limit.expected == null && limit.earliest == null) return `${number(limit.value)} is not reached ${within}.`;
  const first = limit.earliest == null ? '' : `${limit.expected == null ? 'at the earliest' : 'earliest'} ${at(limit.earliest)}`;
  const last = limit.latest == null ? `perhaps not ${within}` : `latest ${at(limit.latest)}`;
  if (limit.expected == null) return `${number(limit.value)} is not foretold to be reached ${within}; ${first}.`;
  return `${number(limit.value)} is reached ${at(limit.expected)}: ${first}, ${last}.`;
}

export async function forecast(name, fill) {
  const { fields } = await get('stream', { name });
  const mine = chosen.get(name) ?? { field: fields[0]?.name, limit: '', seconds: '' };
  chosen.set(name, mine);
  const canvas = h('canvas', { class: 'forecast', role: 'img', 'aria-label': 'What came and what is foretold' });
  const title = h('h3', { class: 'name' }), said = h('p', { id: 'reaching', role: 'status' }), about = h('p', { class: 'faint', id: 'foretold' });
  const palette = colours();
  const legend = h('p', { class: 'legend' }, [['so far', 'ink'], ['foretold', 'accent'], ['90 % of what comes', 'band'], ['limit', 'bad']]
    .map(([text, colour]) => h('span', {}, h('span', { class: 'swatch', background: palette[colour] }), text)));
  const pick = h('select', { id: 'forecast-field', onchange: () => { mine.field = pick.value; draw(); } }, fields.map(field => h('option', { value: field.name, selected: field.name === mine.field }, field.name)));
  const limit = h('input', { id: 'forecast-limit', type: 'number', step: 'any', value: mine.limit, placeholder: 'none', onchange: () => { mine.limit = limit.value; draw(); } });
  const far = h('select', { id: 'forecast-horizon', onchange: () => { mine.seconds = far.value; draw(); } }, [['', '60 events'], ['600', '10 min'], ['3600', '1 h'], ['21600', '6 h'], ['86400', '1 d']]
    .map(([value, text]) => h('option', { value, selected: value === mine.seconds }, text)));
  fill(h('h2', {}, 'Forecast of ', h('a', { href: '#stream/' + encodeURIComponent(name) }, name)),
    h('p', { class: 'row' }, h('label', {}, 'Field ', pick), h('label', {}, 'Limit ', limit), h('label', {}, 'How far ', far)),
    h('div', { class: 'panel' }, title, canvas, legend, said, about));

  let turn = 0;
  async function draw() {
    const now = ++turn;
    title.textContent = mine.field ?? '';
    said.textContent = 'It is being learned; that may take some seconds.';
    said.className = 'faint';
    about.textContent = '';
    try {
      const [report, trace] = await Promise.all([get('forecast', { stream: name, field: mine.field, limit: mine.limit, seconds: mine.seconds }), get('trace', { stream: name, count: 400 })]);
      if (now !== turn || !document.contains(canvas)) return;
      const field = report.fields[0], index = trace.fields.indexOf(field.name);
      const end = field.points.at(-1).ts;
      // As much of the past as of the future, at least a hundred events.
      const from = Math.min(trace.ts.at(-100) ?? trace.ts[0], report.from - (end - report.from));
      const first = Math.max(0, trace.ts.findIndex(time => time >= from));
      const past = index < 0 ? [] : trace.ts.slice(first).map((time, place) => [time, trace.values[first + place][index] ?? null]);
      forecastChart(canvas, { past, points: field.points, limit: field.limit });
      said.className = field.limit?.expected != null ? 'bad' : '';
      said.textContent = reaching(field, report.from, end);
      about.textContent = `By ${field.method}, off by ${number(field.errors[field.method])} on average where it was tried`
        + (field.covered == null ? '' : `; its intervals held ${Math.round(field.covered * 100)} % there`)
        + `; at ${clock(end, true)} UTC ${number(field.points.at(-1).value)}, between ${number(field.points.at(-1).low)} and ${number(field.points.at(-1).high)}.`;
    } catch (error) {
      if (now !== turn) return;
      said.className = 'bad';
      said.textContent = error.message;
    }
  }
  await draw();
}
