// What the models believe normal is: real rows beside drawn ones, and a walk through a model's code.
import { h, get } from './base.js';
import { scatter, histogram, curves, number } from './charts.js';

export async function gallery(argument, fill) {
  const { models } = await get('models');
  if (!models.length) { fill(h('h2', {}, 'Samples'), h('p', { class: 'faint' }, 'No stream has a model yet.')); return; }
  const streams = [...new Set(models.map(model => model.stream))];
  const at = argument ? argument.lastIndexOf('/') : -1;
  const names = at >= 0 && streams.includes(decodeURIComponent(argument.slice(0, at))) ? [argument.slice(0, at), argument.slice(at + 1)] : [argument];
  const stream = argument && streams.includes(decodeURIComponent(names[0])) ? decodeURIComponent(names[0]) : streams[0];
  const members = models.filter(model => model.stream === stream && model.inputs).map(model => model.detector);
  const model = members.includes(names[1]) ? names[1] : members[0];
  const go = (stream, model) => { location.hash = `#gallery/${encodeURIComponent(stream)}` + (model ? '/' + model : ''); };
  const choice = (label, values, value, change) => h('label', {}, label + ' ', h('select', { onchange: event => change(event.target.value) },
    values.map(one => h('option', { value: one, selected: one === value }, one))));
  const report = await get('sample', { stream, model, count: 400, seed: 1 });
  const column = (rows, index) => rows.map(row => row[index]);
  const draws = [];
  const pair = [0, Math.min(1, report.fields.length - 1)];
  const cloud = h('canvas', { role: 'img', 'aria-label': 'Real rows and drawn rows' });
  let path = [];
  const points = rows => rows.map(row => [row[pair[0]], row[pair[1]]]);
  const drawCloud = () => scatter(cloud, points(report.recent), points(report.sampled), path.length ? points(path) : []);
  const axis = place => choice(place ? 'against' : 'Field', report.fields, report.fields[pair[place]], value => { pair[place] = report.fields.indexOf(value); drawCloud(); });
  const row = (cells, kind) => h('tr', {}, h('td', { class: 'faint' }, kind), cells.slice(0, 8).map(value => h('td', { class: 'n' }, number(value))));
  const again = reconstruction(report);
  const walk = h('div', { class: 'panel' }, h('h3', {}, 'A walk through the code'), h('p', { class: 'faint' }, 'looking …'));
  fill(h('h2', {}, 'Samples'), h('p', { class: 'row' }, choice('Stream', streams, stream, value => go(value)), choice('Model', members, model, value => go(stream, value)),
      h('span', { class: 'faint' }, `${report.sampled.length} drawn (accent) beside ${report.recent.length} real ones (grey), snapshot ${report.snapshot}`)),
    h('div', { class: 'panel' }, h('p', { class: 'row' }, axis(0), axis(1)), cloud),
    again.panel,
    walk,
    h('div', { class: 'grid' }, report.fields.slice(0, 24).map((name, index) => {
      const canvas = h('canvas', { class: 'chart', role: 'img', 'aria-label': name });
      draws.push(() => histogram(canvas, column(report.recent, index), column(report.sampled, index)));
      return h('div', { class: 'panel' }, h('h3', { class: 'name' }, name), canvas);
    })),
    h('div', { class: 'panel' }, h('h3', {}, 'Rows'), h('table', {}, h('thead', {}, h('tr', {}, h('th', {}), report.fields.slice(0, 8).map(name => h('th', { class: 'n' }, name)))),
      h('tbody', {}, report.recent.slice(-5).map(cells => row(cells, 'real')), report.sampled.slice(0, 5).map(cells => row(cells, 'drawn'))))));
  drawCloud();
  again.draw();
  draws.forEach(draw => draw());
  await traversal(walk, stream, model, rows => { path = rows; drawCloud(); });
}

// The latest rows, and what the model makes of them when it has to say them again.
function reconstruction(report) {
  const title = h('h3', {}, 'Reconstruction');
  const again = report.reconstructed;
  if (!again || !again.length) return { panel: h('div', { class: 'panel' }, title, h('p', { class: 'faint' }, again ? 'no rows yet' : 'this model does not reconstruct')), draw() {} };
  const from = Math.max(0, again.length - 200);
  const canvas = h('canvas', { class: 'chart', role: 'img', 'aria-label': 'Real values beside reconstructed ones', id: 'reconstruction' });
  const off = h('span', { class: 'faint' });
  let field = 0;
  function draw() {
    const real = report.recent.slice(from).map((row, place) => [place, row[field]]).filter(point => point[1] !== null);
    const made = again.slice(from).map((row, place) => [place, row[field]]);
    curves(canvas, [{ colour: 'faint', points: real }, { colour: 'accent', points: made }], 'row');
    const errors = real.map(([place, value]) => Math.abs(value - made[place][1])).sort((a, b) => a - b);
    off.textContent = errors.length ? `usually ${number(errors[errors.length >> 1])} off, at most ${number(errors[errors.length - 1])}` : 'no value came';
  }
  const choice = h('select', { 'aria-label': 'Field of the reconstruction', onchange: event => { field = report.fields.indexOf(event.target.value); draw(); } }, report.fields.map(name => h('option', { value: name }, name)));
  return { panel: h('div', { class: 'panel' }, title, h('p', { class: 'row' }, choice, h('span', { class: 'faint' }, `the last ${again.length - from} rows (grey) and what the model says of them (accent)`), off), canvas), draw };
}

// A slider for one unit of the code: what the model makes of it, all other units as they are.
async function traversal(walk, stream, model, show) {
  let unit = 0, report;
  const values = h('table', {}, h('tbody'));
  const slider = h('input', { type: 'range', min: 0, max: 20, value: 10, 'aria-label': 'Place on the way', id: 'walk' });
  async function load() { report = await get('traverse', { stream, model, unit, count: 21 }); }
  function draw() {
    const row = report.rows[Number(slider.value)];
    values.tBodies[0].replaceChildren(...report.fields.slice(0, 24).map((name, index) => h('tr', {}, h('td', { class: 'name' }, name), h('td', { class: 'n' }, number(row[index])),
      h('td', { class: 'n faint' }, `${number(Math.min(...report.rows.map(one => one[index])))} to ${number(Math.max(...report.rows.map(one => one[index])))} on the way`))));
    show(report.rows.filter((_, place) => place === Number(slider.value)));
  }
  try {
    await load();
  } catch (error) {
    walk.replaceChildren(h('h3', {}, 'A walk through the code'), h('p', { class: 'faint' }, error.message));
    return;
  }
  slider.addEventListener('input', draw);
  const units = h('select', { 'aria-label': 'Unit of the code', onchange: async event => { unit = Number(event.target.value); await load(); draw(); } },
    Array.from({ length: report.units }, (_, index) => h('option', { value: index }, 'unit ' + (index + 1))));
  walk.replaceChildren(h('h3', {}, 'A walk through the code'), h('p', { class: 'row' }, units, h('span', { class: 'faint' }, 'from where few codes lie below to where few lie above')), slider, values);
  draw();
}
