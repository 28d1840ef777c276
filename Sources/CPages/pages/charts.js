// Drawing on canvases: sharp on every screen, in the colours of the page.

export const colours = () => {
  const style = getComputedStyle(document.documentElement);
  return new Proxy({}, { get: (_, name) => style.getPropertyValue('--' + name).trim() });
};

// A canvas as large as it is shown; null while it is not.
export function surface(canvas, height) {
  const width = canvas.clientWidth;
  const tall = height ?? canvas.clientHeight;
  if (!width || !tall) return null;
  const scale = window.devicePixelRatio || 1;
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(tall * scale);
  if (height) canvas.style.height = height + 'px';
  const pen = canvas.getContext('2d');
  pen.scale(scale, scale);
  pen.font = '11px system-ui, sans-serif';
  return { pen, width, height: tall };
}

export function scoreColour(palette, phase, score) {
  if (phase !== 'scoring' || score === null || score === undefined) return palette.none;
  return score >= 98 ? palette.s4 : score >= 90 ? palette.s3 : score >= 80 ? palette.s2 : score >= 55 ? palette.s1 : palette.s0;
}

// Every stream as one cell; returns what finds the stream at a point.
export function wall(canvas, rows) {
  const width = canvas.clientWidth;
  if (!width || !rows.length) return () => null;
  const size = rows.length > 2000 ? 9 : rows.length > 500 ? 13 : rows.length > 60 ? 18 : 30;
  const columns = Math.max(1, Math.floor(width / size));
  const on = surface(canvas, Math.ceil(rows.length / columns) * size);
  if (!on) return () => null;
  const palette = colours();
  const fills = new Map();
  const colour = row => {
    const key = row[1] === 'scoring' && row[2] !== null ? Math.floor(row[2]) : -1;
    if (!fills.has(key)) fills.set(key, scoreColour(palette, row[1], key < 0 ? null : key));
    return fills.get(key);
  };
  rows.forEach((row, index) => {
    const x = (index % columns) * size, y = Math.floor(index / columns) * size;
    on.pen.fillStyle = colour(row);
    on.pen.fillRect(x, y, size - 1, size - 1);
    if (row[4]) {
      on.pen.strokeStyle = palette.ink;
      on.pen.lineWidth = 2;
      on.pen.strokeRect(x + 1, y + 1, size - 3, size - 3);
    }
  });
  return (x, y) => {
    const column = Math.floor(x / size);
    return column < columns ? rows[Math.floor(y / size) * columns + column] ?? null : null;
  };
}

export function number(value) {
  if (value === null || value === undefined || !isFinite(value)) return '–';
  const size = Math.abs(value);
  if (size !== 0 && (size < 0.001 || size >= 1e7)) return value.toExponential(2);
  return Number(value.toPrecision(size >= 1000 ? 6 : 4)).toLocaleString('en', { maximumFractionDigits: 4 });
}

export function clock(seconds, days) {
  if (!seconds && seconds !== 0) return '–';
  const text = new Date(seconds * 1000).toISOString();
  return days ? text.slice(0, 10) + ' ' + text.slice(11, 19) : text.slice(11, 19);
}

function range(values, extra) {
  let low = Infinity, high = -Infinity;
  for (const value of values) if (value !== null && isFinite(value)) { low = Math.min(low, value); high = Math.max(high, value); }
  for (const value of extra) if (value !== null && value !== undefined) { low = Math.min(low, value); high = Math.max(high, value); }
  if (low > high) return [0, 1];
  if (low === high) { const pad = Math.abs(low) * 0.05 || 1; return [low - pad, high + pad]; }
  const pad = (high - low) * 0.06;
  return [low - pad, high + pad];
}

// Values over time against a band of what is usual. `marks` are times to point out.
export function line(canvas, { times, values, low = null, high = null, fixed = null, marks = [], thresholds = [] }) {
  const on = surface(canvas);
  if (!on) return;
  const { pen, width, height } = on, palette = colours();
  const left = 52, right = 6, top = 6, bottom = 18;
  const [from, to] = fixed ?? range(values, [low, high]);
  const first = times[0] ?? 0, last = times[times.length - 1] ?? 1;
  const x = time => left + (width - left - right) * (last > first ? (time - first) / (last - first) : 0.5);
  const y = value => top + (height - top - bottom) * (1 - (value - from) / (to - from));
  if (low !== null && high !== null) {
    pen.fillStyle = palette.band;
    pen.fillRect(left, y(Math.min(high, to)), width - left - right, Math.max(1, y(Math.max(low, from)) - y(Math.min(high, to))));
  }
  pen.strokeStyle = palette.line;
  pen.fillStyle = palette.faint;
  pen.lineWidth = 1;
  pen.textAlign = 'right';
  pen.textBaseline = 'middle';
  for (let step = 0; step <= 2; step++) {
    const value = from + (to - from) * (step / 2);
    pen.beginPath();
    pen.moveTo(left, y(value));
    pen.lineTo(width - right, y(value));
    pen.stroke();
    pen.fillText(number(value), left - 5, Math.min(height - bottom, Math.max(top + 4, y(value))));
  }
  pen.textBaseline = 'alphabetic';
  pen.textAlign = 'left';
  pen.fillText(clock(first), left, height - 4);
  pen.textAlign = 'right';
  pen.fillText(clock(last), width - right, height - 4);
  for (const value of thresholds) {
    pen.strokeStyle = palette.bad;
    pen.setLineDash([4, 4]);
    pen.beginPath();
    pen.moveTo(left, y(value));
    pen.lineTo(width - right, y(value));
    pen.stroke();
    pen.setLineDash([]);
  }
  for (const time of marks) {
    if (time < first || time > last) continue;
    pen.strokeStyle = palette.bad;
    pen.beginPath();
    pen.moveTo(x(time), top);
    pen.lineTo(x(time), height - bottom);
    pen.stroke();
  }
  pen.strokeStyle = palette.accent;
  pen.lineWidth = 1.4;
  pen.beginPath();
  let isDown = false;
  values.forEach((value, index) => {
    if (value === null || !isFinite(value)) { isDown = false; return; }
    if (isDown) pen.lineTo(x(times[index]), y(value)); else pen.moveTo(x(times[index]), y(value));
    isDown = true;
  });
  pen.stroke();
  if (low !== null && high !== null) {
    pen.fillStyle = palette.bad;
    values.forEach((value, index) => {
      if (value !== null && (value < low || value > high)) pen.fillRect(x(times[index]) - 1.5, y(value) - 1.5, 3, 3);
    });
  }
}

// What came (`past`, pairs of time and value), and points foretold with their intervals; a limit and when it is reached.
export function forecastChart(canvas, { past, points, limit = null }) {
  const on = surface(canvas);
  if (!on) return;
  const { pen, width, height } = on, palette = colours();
  const left = 52, right = 6, top = 8, bottom = 18;
  const level = limit?.value ?? null;
  const [from, to] = range(past.map(point => point[1]).concat(points.flatMap(point => [point.low, point.high])), [level]);
  const now = past.at(-1)?.[0] ?? points[0].ts, first = past[0]?.[0] ?? now, last = points.at(-1).ts;
  const x = time => left + (width - left - right) * (last > first ? (time - first) / (last - first) : 0.5);
  const y = value => top + (height - top - bottom) * (1 - (value - from) / (to - from));
  const stroke = (colour, dash, draw, thick = 1) => {
    pen.strokeStyle = colour;
    pen.lineWidth = thick;
    pen.setLineDash(dash);
    pen.beginPath();
    draw();
    pen.stroke();
    pen.setLineDash([]);
  };
  pen.fillStyle = palette.band;
  pen.beginPath();
  points.forEach((point, index) => index ? pen.lineTo(x(point.ts), y(point.high)) : pen.moveTo(x(point.ts), y(point.high)));
  [...points].reverse().forEach(point => pen.lineTo(x(point.ts), y(point.low)));
  pen.closePath();
  pen.fill();
  pen.fillStyle = palette.faint;
  pen.textAlign = 'right';
  pen.textBaseline = 'middle';
  for (let step = 0; step <= 4; step++) {
    const value = from + (to - from) * (step / 4);
    stroke(palette.line, [], () => { pen.moveTo(left, y(value)); pen.lineTo(width - right, y(value)); });
    pen.fillText(number(value), left - 5, Math.min(height - bottom, Math.max(top + 4, y(value))));
  }
  pen.textBaseline = 'alphabetic';
  pen.textAlign = 'left';
  pen.fillText(clock(first), left, height - 4);
  pen.textAlign = 'center';
  if (x(now) - left > 70 && width - right - x(now) > 70) pen.fillText(clock(now), x(now), height - 4);
  pen.textAlign = 'right';
  pen.fillText(clock(last), width - right, height - 4);
  stroke(palette.faint, [2, 3], () => { pen.moveTo(x(now), top); pen.lineTo(x(now), height - bottom); });
  if (level !== null) {
    // On the middle of a row of pixels, so that it is sharp.
    const at = Math.round(y(level)) + 0.5;
    stroke(palette.bad, [5, 4], () => { pen.moveTo(left, at); pen.lineTo(width - right, at); });
    for (const [time, dash] of [[limit.expected, []], [limit.earliest, [1, 3]], [limit.latest, [1, 3]]]) {
      if (time !== null && time !== undefined && time >= first && time <= last) stroke(palette.bad, dash, () => { pen.moveTo(x(time), y(level)); pen.lineTo(x(time), height - bottom); });
    }
  }
  let isDown = false;
  stroke(palette.ink, [], () => past.forEach(([time, value]) => {
    if (value === null || !isFinite(value)) { isDown = false; return; }
    if (isDown) pen.lineTo(x(time), y(value)); else pen.moveTo(x(time), y(value));
    isDown = true;
  }), 1.3);
  stroke(palette.accent, [], () => points.forEach((point, index) => index ? pen.lineTo(x(point.ts), y(point.value)) : pen.moveTo(x(point.ts), y(point.value))), 1.8);
}

// Several curves over steps, on a logarithmic scale when they span decades.
export function curves(canvas, series, unit = 'step') {
  const on = surface(canvas);
  if (!on) return;
  const { pen, width, height } = on, palette = colours();
  const all = series.flatMap(one => one.points.map(point => point[1])).filter(isFinite);
  const steps = series.flatMap(one => one.points.map(point => point[0]));
  if (!all.length) return;
  const isLog = Math.min(...all) > 0 && Math.max(...all) / Math.min(...all) > 30;
  const scale = value => isLog ? Math.log10(value) : value;
  const [from, to] = range(all.map(scale), []);
  const last = Math.max(...steps, 1), left = 52, bottom = 18;
  const x = step => left + (width - left - 6) * step / last;
  const y = value => 6 + (height - 6 - bottom) * (1 - (scale(value) - from) / (to - from));
  pen.fillStyle = palette.faint;
  pen.textAlign = 'right';
  for (const part of [0.06, 0.94]) {
    const value = from + (to - from) * part;
    pen.fillText(number(isLog ? 10 ** value : value), left - 5, 6 + (height - 6 - bottom) * (1 - part) + 4);
  }
  pen.fillText(unit + ' ' + last, width - 6, height - 4);
  for (const one of series) {
    pen.strokeStyle = palette[one.colour];
    pen.lineWidth = 1.4;
    pen.beginPath();
    one.points.forEach(([step, value], index) => index ? pen.lineTo(x(step), y(value)) : pen.moveTo(x(step), y(value)));
    pen.stroke();
  }
}

// Two fields against each other: real rows and drawn ones.
export function scatter(canvas, real, drawn, path = []) {
  const on = surface(canvas, Math.min(260, canvas.clientWidth * 0.7));
  if (!on) return;
  const { pen, width, height } = on, palette = colours();
  const every = real.concat(drawn, path).filter(point => point[0] !== null && point[1] !== null);
  const [left, right] = range(every.map(point => point[0]), []);
  const [low, high] = range(every.map(point => point[1]), []);
  const x = value => 4 + (width - 8) * (value - left) / (right - left);
  const y = value => 4 + (height - 8) * (1 - (value - low) / (high - low));
  const dots = (points, colour, size) => {
    pen.fillStyle = colour;
    for (const [a, b] of points) if (a !== null && b !== null) pen.fillRect(x(a) - size / 2, y(b) - size / 2, size, size);
  };
  pen.globalAlpha = 0.55;
  dots(real, palette.faint, 3);
  dots(drawn, palette.accent, 3);
  pen.globalAlpha = 1;
  dots(path, palette.bad, 7);
}

// How often values occur, of real rows and drawn ones over each other.
export function histogram(canvas, real, drawn) {
  const on = surface(canvas);
  if (!on) return;
  const { pen, width, height } = on, palette = colours();
  const [from, to] = range(real.concat(drawn), []), bins = 40;
  const count = values => {
    const counts = new Array(bins).fill(0);
    const known = values.filter(value => value !== null && isFinite(value));
    for (const value of known) counts[Math.min(bins - 1, Math.floor(bins * (value - from) / (to - from)))] += 1 / known.length;
    return counts;
  };
  const [a, b] = [count(real), count(drawn)];
  const most = Math.max(...a, ...b, 1e-9), step = width / bins;
  const draw = (counts, colour) => {
    pen.fillStyle = colour;
    counts.forEach((value, bin) => pen.fillRect(bin * step, height - 14 - (height - 18) * value / most, step - 1, (height - 18) * value / most));
  };
  pen.globalAlpha = 0.5;
  draw(a, palette.faint);
  draw(b, palette.accent);
  pen.globalAlpha = 1;
  pen.fillStyle = palette.faint;
  pen.textAlign = 'left';
  pen.fillText(number(from), 0, height - 2);
  pen.textAlign = 'right';
  pen.fillText(number(to), width, height - 2);
}
