// The views of the dashboard: streams, incidents, models, health.
import { h, get, post, span, state, toast, askForToken } from './base.js';
import { wall, line, curves, number, clock, scoreColour, colours } from './charts.js';

const streamHref = name => '#stream/' + encodeURIComponent(name);
const bytes = value => value < 1024 ? value + ' B' : value < 1048576 ? (value / 1024).toFixed(1) + ' KiB'
  : value < 1073741824 ? (value / 1048576).toFixed(1) + ' MiB' : (value / 1073741824).toFixed(2) + ' GiB';
const over = alert => alert.state === 'resolved' || alert.resolved_at != null;
const stateOf = alert => (over(alert) ? 'resolved' : alert.state) + (alert.amended ? ', amended' : '');
const severity = alert => h('span', { class: 'badge ' + (over(alert) ? 'faint' : alert.severity === 'critical' || alert.severity === 'major' ? 'bad' : 'notice') }, alert.severity);

async function act(button, work) {
  if (!state.token) { askForToken(); return; }
  button.disabled = true;
  try { toast(await work()); } catch (error) { toast(error.message); } finally { button.disabled = false; }
}

// MARK: streams

let search = '';

async function streams(_, fill) {
  const canvas = h('canvas', { class: 'wall', role: 'img', 'aria-label': 'Every stream as a cell, coloured by its last score' });
  const hint = h('p', { class: 'faint', 'aria-hidden': 'true' }, ' ');
  const body = h('tbody');
  const summary = h('p', { class: 'faint' });
  const field = h('input', { type: 'search', placeholder: 'name', 'aria-label': 'Search streams', value: search, oninput: () => { search = field.value; draw(state.tick); } });
  let at = () => null;
  const palette = colours();
  const legend = h('p', { class: 'legend' }, [['no score yet', 'none'], ['usual', 's0'], ['55', 's1'], ['80', 's2'], ['90', 's3'], ['98', 's4']]
    .map(([text, name]) => h('span', {}, h('span', { class: 'swatch', background: palette[name] }), text)), h('span', {}, 'framed: an open incident'));
  const find = event => { const box = canvas.getBoundingClientRect(); return at(event.clientX - box.left, event.clientY - box.top); };
  canvas.addEventListener('mousemove', event => { const row = find(event); hint.textContent = row ? `${row[0]} · ${row[1]} · ${number(row[2])}` : ' '; });
  canvas.addEventListener('click', event => { const row = find(event); if (row) location.hash = streamHref(row[0]); });
  fill(h('div', { class: 'row' }, h('h2', {}, 'Streams'), field, summary), h('div', { class: 'panel' }, canvas, hint, legend),
    h('table', {}, h('thead', {}, h('tr', {}, h('th', {}, 'stream'), h('th', {}, 'phase'), h('th', { class: 'n' }, 'score'), h('th', { class: 'n wide' }, 'events/s'), h('th', {}, 'incident'))), body));

  function draw(tick) {
    if (!tick) return;
    const wanted = search.toLowerCase();
    const rows = wanted ? tick.streams.filter(row => row[0].toLowerCase().includes(wanted)) : tick.streams;
    // Cells keep their places from second to second, rows come by score.
    at = wall(canvas, [...rows].sort((a, b) => a[0] < b[0] ? -1 : 1));
    summary.textContent = `${rows.length.toLocaleString('en')} of ${tick.total.toLocaleString('en')}`;
    body.replaceChildren(...rows.slice(0, 50).map(row => h('tr', { 'data-href': streamHref(row[0]), class: streamHref(row[0]) === state.at ? 'at' : null },
      h('td', { class: 'name' }, h('a', { href: streamHref(row[0]) }, row[0])), h('td', {}, row[1] + (row[5] ? ', silent' : '')),
      h('td', { class: 'n' }, h('span', { class: 'swatch', background: scoreColour(palette, row[1], row[2]) }), number(row[2])),
      h('td', { class: 'n wide' }, number(row[3])), h('td', {}, row[4] ? h('a', { href: '#incident/' + row[4] }, 'open') : ''))));
    if (!rows.length) body.replaceChildren(h('tr', {}, h('td', { colspan: 5, class: 'faint' }, tick.total ? 'no stream of this name' : 'No events yet. Is a publisher running, and the source in the config right?')));
  }
  return draw;
}

async function stream(name, fill) {
  const [detail, trace] = await Promise.all([get('stream', { name }), get('trace', { stream: name, count: 400 })]);
  const { summary } = detail;
  const charts = [];
  const chart = (title, what) => {
    const canvas = h('canvas', { class: 'chart', role: 'img', 'aria-label': title });
    charts.push(trace => line(canvas, what(trace)));
    return h('div', { class: 'panel' }, h('h3', {}, title), canvas);
  };
  const silence = h('button', { type: 'button', onclick: () => act(silence, async () => (await post(summary.silenced_until ? 'unsilence' : 'silence', { stream: name, seconds: 7200 })).what) },
    summary.silenced_until ? 'Let it speak' : 'Silence for 2 h');
  const retrain = h('button', { type: 'button', onclick: () => act(retrain, async () => (await post('retrain', { stream: name })).what) }, 'Train anew');
  const order = detail.fields.map((field, index) => index).sort((a, b) => (detail.fields[b].share ?? 0) - (detail.fields[a].share ?? 0));
  fill(h('h2', { class: 'name' }, name),
    h('p', { class: 'row' }, h('span', { class: 'badge' }, summary.phase), h('span', {}, `${summary.events.toLocaleString('en')} events`),
      h('span', {}, `score ${number(summary.last_score)}`), summary.rows_wanted ? h('span', {}, `${summary.rows_wanted} rows wanted before the first model`) : null,
      summary.incident ? h('a', { href: '#incident/' + summary.incident }, 'open incident') : null,
      summary.gaps ? h('span', { class: 'notice' }, `${summary.gaps} events missing`) : null,
      silence, retrain, h('a', { href: '#forecast/' + encodeURIComponent(name) }, 'forecast'), h('a', { href: '#gallery/' + encodeURIComponent(name) }, 'samples')),
    chart('Score, 0 to 100 (dashed: an incident opens)', trace => ({ times: trace.ts, values: trace.scores, fixed: [0, 100], thresholds: [90] })),
    h('div', { class: 'grid' }, order.slice(0, 24).map(index => chart(trace.fields[index] ?? detail.fields[index].name, trace => ({
      times: trace.ts, values: trace.values.map(row => row[index] ?? null), low: trace.low[index] ?? null, high: trace.high[index] ?? null })))),
    detail.fields.length > 24 ? h('p', { class: 'faint' }, `24 of ${detail.fields.length} fields; all of them: anomalyctl stream`) : null,
    detail.calibration.length ? h('div', { class: 'panel' }, h('h3', {}, 'Promised and measured false-alarm rates'), h('table', {}, h('tbody', {}, detail.calibration.map(point =>
      h('tr', {}, h('td', { class: 'n' }, number(point.nominal)), h('td', { class: 'n' }, number(point.measured)), h('td', { class: 'faint' }, `of ${point.events.toLocaleString('en')}`)))))) : null);
  charts.forEach(draw => draw(trace));
  let seen = summary.events, isBusy = false;
  return async tick => {
    // Only what is looked at is asked for again, and only when something came.
    if (isBusy || !document.contains(silence)) return;
    isBusy = true;
    try {
      const next = await get('trace', { stream: name, count: 400 });
      if (document.contains(silence)) charts.forEach(draw => draw(next));
    } catch { /* the connection is gone: the pulse says so */ } finally { isBusy = false; }
  };
}

// MARK: incidents

function incidentRow(alert, list) {
  const first = alert.features[0];
  return h('tr', { 'data-href': '#incident/' + alert.id, class: state.at === '#incident/' + alert.id ? 'at' : null }, h('td', {}, clock(alert.onset, true)), h('td', {}, severity(alert)), h('td', {}, stateOf(alert) + (list.acknowledged?.[alert.id] ? ', seen' : '')),
    h('td', { class: 'name' }, h('a', { href: '#incident/' + alert.id }, alert.stream)), h('td', { class: 'n' }, number(Math.round(alert.score * 10) / 10)),
    h('td', { class: 'wide name' }, first ? `${first.name} ${number(first.value)}, usual ${number(first.low)} to ${number(first.high)}` : alert.kind), h('td', { class: 'wide' }, list.labels?.[alert.id] ?? ''));
}

async function incidents(_, fill) {
  async function draw() {
    const list = await get('alerts', { incidents: 'true', limit: 300 });
    const rows = [...list.alerts].reverse().sort((a, b) => over(a) - over(b));
    fill(h('h2', {}, 'Incidents'), rows.length ? h('table', {}, h('thead', {}, h('tr', {}, ['since', 'severity', 'state', 'stream'].map(text => h('th', {}, text)), h('th', { class: 'n' }, 'score'), h('th', { class: 'wide' }, 'what'), h('th', { class: 'wide' }, 'verdict'))),
      h('tbody', {}, rows.map(alert => incidentRow(alert, list)))) : h('p', { class: 'faint' }, 'Nothing was odd so far.'));
  }
  await draw();
  return (_, alert) => { if (alert && location.hash === '#incidents') draw(); };
}

const verdicts = [['true', 'A fault', 'never learned from'], ['expected', 'Expected', 'odd but known why'], ['false-alarm', 'False alarm', 'learned from'], ['new-normal', 'New normal', 'learned from now']];

async function incident(id, fill) {
  const explanation = await get('explain', { id });
  const last = explanation.statements.at(-1);
  const worst = explanation.statements.reduce((a, b) => b.score > a.score ? b : a);
  const seen = explanation.acknowledged;
  const ack = h('button', { type: 'button', disabled: !!seen, onclick: () => act(ack, async () => { const done = await post('ack', { id, by: 'dashboard' }); show(); return done.what; }) }, seen ? 'Seen' : 'I have seen it');
  const undo = h('button', { type: 'button', onclick: () => act(undo, async () => { const report = await post('undo', { by: 'dashboard' }); show(); return report.what; }) }, 'Undo the last verdict');
  const charts = [];
  async function show() { if (location.hash === '#incident/' + id) await incident(id, fill); }
  const trace = await get('trace', { stream: last.stream, count: 600 }).catch(() => null);
  const features = worst.features.slice(0, 6);
  fill(h('h2', { class: 'name' }, h('a', { href: streamHref(last.stream) }, last.stream)),
    h('p', { class: 'row' }, severity(worst), h('span', {}, (over(last) ? 'resolved' : 'open') + (last.amended ? ', amended' : '')), h('span', {}, `score ${number(Math.round(worst.score * 10) / 10)}`),
      h('span', {}, `since ${clock(last.onset, true)} UTC, ${span(Math.max(0, (last.resolved_at ?? last.ts) - last.onset))}`), h('span', { class: 'faint' }, worst.kind)),
    h('p', {}, worst.text),
    h('div', { class: 'panel' }, h('h3', {}, 'What was it?'), explanation.label ? h('p', { id: 'said' }, `Said to be: ${explanation.label}`) : null,
      h('div', { class: 'buttons', role: 'group', 'aria-label': 'Verdict' }, verdicts.map(([verdict, text, effect]) => {
        const button = h('button', { type: 'button', title: effect, 'data-verdict': verdict, 'aria-pressed': explanation.label === verdict ? 'true' : 'false', onclick: () => act(button, () => say(id, verdict, text, show)) }, text);
        return button;
      }), ack, undo), seen ? h('p', { class: 'faint' }, `seen by ${seen.by} ${clock(seen.at, true)} ${seen.note}`) : null),
    explanation.similar?.length ? h('div', { class: 'panel', id: 'similar' }, h('h3', {}, 'Seen before'), h('ul', {}, explanation.similar.map(one => h('li', {},
      h('a', { href: '#incident/' + one.id }, clock(one.onset, true) + ' UTC'), `, ${Math.round(one.likeness * 100)} % alike: `, one.label ? `said to be ${one.label}` + (one.cause ? ': ' + one.cause : '') : 'nobody said what it was', h('span', { class: 'faint' }, ' ' + one.id))))) : null,
    h('div', { class: 'panel' }, h('h3', {}, 'Why'), h('table', {}, h('thead', {}, h('tr', {}, h('th', {}, 'field'), h('th', { class: 'n' }, 'value'), h('th', { class: 'n' }, 'expected'), h('th', { class: 'n wide' }, 'usual'), h('th', {}, 'part'))),
      h('tbody', {}, worst.features.map(feature => h('tr', {}, h('td', { class: 'name' }, feature.name, feature.lag ? h('span', { class: 'faint' }, feature.lag === 1 ? ' 1 event ago' : ` ${feature.lag} events ago`) : null), h('td', { class: 'n' }, feature.value === null || feature.value === undefined ? 'missing' : number(feature.value)),
        h('td', { class: 'n' }, number(feature.expected)), h('td', { class: 'n wide' }, `${number(feature.low)} to ${number(feature.high)}`), h('td', {}, h('span', { class: 'share', width: Math.round(feature.share * 90) + 'px' }), ` ${Math.round(feature.share * 100)} %`)))))),
    trace && h('div', { class: 'grid' }, features.map(feature => {
      const index = trace.fields.indexOf(feature.name);
      if (index < 0) return null;
      const canvas = h('canvas', { class: 'chart', role: 'img', 'aria-label': feature.name });
      charts.push(() => line(canvas, { times: trace.ts, values: trace.values.map(row => row[index]), low: trace.low[index] ?? feature.low, high: trace.high[index] ?? feature.high, marks: [last.onset] }));
      return h('div', { class: 'panel' }, h('h3', {}, feature.name), canvas);
    })),
    h('p', { class: 'faint' }, `model ${worst.model.snapshot}, trained ${clock(worst.model.trained_at, true)}; ` + Object.entries(worst.detectors).map(([name, score]) => `${name} ${number(score.raw)} (p ${number(score.p_value)})`).join(', ')));
  charts.forEach(draw => draw());
  return (_, alert) => { if (alert?.id === id) show(); };
}

// Shows what a verdict would do, and asks for its cause.
async function say(id, verdict, text, done) {
  const dialog = document.getElementById('verdict-dialog');
  const preview = await post('label', { id, verdict, preview: true });
  document.getElementById('verdict-title').textContent = text;
  document.getElementById('verdict-preview').textContent = preview.what + (preview.retrains ? '; a new model is asked for' : '') + '.';
  const cause = document.getElementById('verdict-cause');
  cause.value = '';
  dialog.returnValue = '';
  dialog.showModal();
  await new Promise(resolve => dialog.addEventListener('close', resolve, { once: true }));
  if (dialog.returnValue !== 'keep') return 'nothing was changed';
  const report = await post('label', { id, verdict, cause: cause.value, by: 'dashboard' });
  await done();
  return report.what;
}

// MARK: models

async function models(_, fill) {
  const { models } = await get('models');
  const streams = [...new Set(models.map(model => model.stream))].slice(0, 24), charts = [];
  // Curves come with the models of one stream.
  const shown = (await Promise.all(streams.map(stream => get('models', { stream })))).flatMap(list => list.models);
  const kept = new Map(await Promise.all(streams.map(async stream => [stream, (await get('snapshots', { stream })).snapshots])));
  const byStream = Map.groupBy ? Map.groupBy(shown, model => model.stream) : shown.reduce((map, model) => map.set(model.stream, [...(map.get(model.stream) ?? []), model]), new Map());
  fill(h('h2', {}, 'Models'), h('p', { class: 'faint' }, `${models.length} detectors score now` + (models.length > shown.length ? `; the first ${shown.length} are shown` : '')),
    models.length ? [...byStream].map(([name, members]) => h('section', {}, h('h3', { class: 'name' }, h('a', { href: streamHref(name) }, name)), h('div', { class: 'grid' }, members.filter(model => model.inputs).map(model => {
      const held = (model.curve ?? []).filter(point => point.held_out_loss != null), low = Math.max(...held.map(point => point.held_out_loss));
      // An RBM learns by one measure and is judged by another: then only what it is judged by is drawn.
      const points = model.curve ?? [], isOne = !held.length || points.some(point => point.loss <= low);
      const canvas = h('canvas', { class: 'chart', role: 'img', 'aria-label': 'Loss over the training' });
      if (points.length) charts.push(() => curves(canvas, [{ colour: 'accent', points: isOne ? points.map(point => [point.step, point.loss]) : [] },
        { colour: 'notice', points: points.filter(point => point.held_out_loss != null).map(point => [point.step, point.held_out_loss]) }]));
      return h('div', { class: 'panel' }, h('b', {}, model.detector), h('p', { class: 'faint' }, `${model.inputs} inputs, ${model.rows.toLocaleString('en')} rows, trained ${clock(model.trained_at, true)}, snapshot ${model.snapshot}`),
        points.length ? [canvas, h('p', { class: 'legend' }, isOne ? h('span', {}, h('span', { class: 'swatch', background: 'var(--accent)' }), 'training') : null, h('span', {}, h('span', { class: 'swatch', background: 'var(--notice)' }), 'held out'))] : h('p', { class: 'faint' }, 'no training curve was kept'),
        h('a', { href: `#gallery/${encodeURIComponent(name)}/${model.detector}` }, 'samples'));
    })), members.some(model => !model.inputs) ? h('p', { class: 'faint' }, 'Beside them: ' + members.filter(model => !model.inputs).map(model => model.detector).join(', ')) : null, history(name, kept.get(name) ?? [])))  : h('p', { class: 'faint' }, 'No stream has a model yet.'));
  charts.forEach(draw => draw());
}

// How each kept model came to be, and how it stood beside the one in use then.
function history(stream, snapshots) {
  const percent = share => share == null ? '–' : (100 * share).toFixed(1) + ' %';
  const beside = (own, other, text) => other == null ? text(own) : `${text(own)} (${text(other)})`;
  return h('table', {}, h('thead', {}, h('tr', {}, h('th', {}, 'snapshot'), h('th', {}, 'why'), h('th', { class: 'n' }, 'planted faults found'), h('th', { class: 'n wide' }, 'normal rows at p ≤ 1 %'), h('th', { class: 'wide' }, 'verdict'), h('th', {}))),
    h('tbody', {}, snapshots.map(one => {
      const report = one.report ?? {}, own = report.figures ?? {}, other = report.champion_figures ?? {};
      const promote = h('button', { onclick: () => act(promote, async () => (await post('promote', { stream, snapshot: one.id })).what ?? 'done') }, 'use this');
      return h('tr', {}, h('td', { class: 'name' }, clock(one.trained_at, true), h('div', { class: 'faint' }, one.id)), h('td', {}, one.reason || report.reason || ''),
        h('td', { class: 'n' }, beside(own.mean_recall, other.mean_recall, percent)), h('td', { class: 'n wide' }, beside(own.false_alarms, other.false_alarms, percent)),
        h('td', { class: 'wide faint' }, one.verdict ?? report.verdict ?? ''), h('td', {}, one.current ? 'in use' : promote));
    })));
}

// MARK: health

async function health(_, fill) {
  const report = await get('doctor');
  const tiles = h('div', { class: 'tiles' }), queues = h('tbody'), sources = h('tbody');
  const tone = { ok: 'good', warn: 'notice', fail: 'bad' };
  fill(h('h2', {}, 'Health'), tiles, h('h3', {}, 'Looked after'), h('table', {}, h('tbody', {}, report.checks.map(check => h('tr', {}, h('td', { class: tone[check.finding] }, check.finding), h('td', {}, check.name), h('td', { class: 'name' }, check.why, check.remedy ? h('div', { class: 'faint' }, '→ ' + check.remedy) : null))))),
    h('h3', {}, 'Sources'), h('table', {}, h('thead', {}, h('tr', {}, h('th', {}, 'source'), ['messages', 'events', 'malformed', 'refused', 'dropped'].map(text => h('th', { class: 'n' }, text)))), sources),
    h('h3', {}, 'Queues'), h('table', {}, h('thead', {}, h('tr', {}, h('th', {}, 'queue'), ['depth', 'peak', 'fits', 'dropped'].map(text => h('th', { class: 'n' }, text)))), queues));
  const sum = counts => Object.values(counts).reduce((a, b) => a + b, 0);
  return tick => {
    if (!tick) return;
    const status = tick.status;
    const count = value => value.toLocaleString('en');
    const delays = status.scoring.latency, events = delays.counts.reduce((a, b) => a + b, 0);
    const quantile = share => { let passed = 0; for (let place = 0; place < delays.counts.length; place++) { passed += delays.counts[place]; if (events && passed >= share * events) return delays.bounds[place] ?? Infinity; } return NaN; };
    const time = seconds => isNaN(seconds) ? '–' : seconds < 1e-3 ? Math.round(seconds * 1e6) + ' µs' : seconds < 1 ? Math.round(seconds * 1e3) + ' ms' : number(seconds) + ' s';
    tiles.replaceChildren(...[[count(Math.round(status.totals.events_per_second)), 'events a second'], [count(status.totals.scored), 'events scored'],
      [count(status.totals.dropped), 'dropped'], [count(status.totals.malformed), 'malformed'], ['≤ ' + time(quantile(0.99)), '99 % scored within'], [time(status.scoring.lag), 'lag'],
      [bytes(status.memory.resident), 'memory'], [span(status.memory.processor_seconds), 'processor time'], [Math.round(status.trainer.used_share * 100) + ' %', `of a core for training, ${Math.round(status.trainer.budget_share * 100)} % allowed`],
      [count(status.trainer.backlog), 'streams wait for a model'], [status.kernel.name, 'matrix kernel'], [span(status.uptime), 'since the start'], [bytes(status.state.bytes), 'state on disk'], [count(status.alerts.silenced_streams), 'streams are silent']]
      .map(([value, text]) => h('div', { class: 'tile' }, h('b', {}, value), h('span', {}, text))));
    sources.replaceChildren(...status.sources.map(source => h('tr', {}, h('td', { class: 'name' }, source.name, source.problem ? h('div', { class: 'faint' }, source.problem) : null),
      [source.messages, source.events, sum(source.malformed), sum(source.refused), sum(source.dropped)].map(value => h('td', { class: 'n' }, count(value))))));
    queues.replaceChildren(...status.queues.map(queue => h('tr', {}, h('td', {}, queue.name), [queue.depth, queue.peak, queue.capacity, queue.dropped].map(value => h('td', { class: 'n' }, count(value))))));
  };
}

export const views = { streams, stream, incidents, incident, models, health };
