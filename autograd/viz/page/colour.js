/* What an item is coloured by: its kind, or on a scale the magnitude of its gradient, its time or its memory; the legend that
 * says so, and what a mark means. The colours themselves come with the page, from one table that all writers share.
 */
(function () {
'use strict';
const wengert = globalThis.wengert = globalThis.wengert || {};
const {element, float, seconds, bytes} = wengert.Words;
const {number, sum} = wengert.Data;

const MODES = {kind: 'kind', gradient: 'gradient', time: 'time', memory: 'memory'};
const MEASURES = {gradient: 'gradient', time: 'seconds', memory: 'nbytes'};
const WRITTEN = {gradient: x => float(x, 2), time: seconds, memory: bytes};
const TITLES = {gradient: 'gradient (rms, log scale)', time: 'time (log scale)', memory: 'memory of values (log scale)'};

/* ---- the scale ---- */

const parts = hex => [1, 3, 5].map(i => parseInt(hex.slice(i, i + 2), 16));

/* The colour at t in 0..1, between the anchors of the scale. */
function at(anchors, t) {
  const place = Math.max(0, Math.min(1, t)) * (anchors.length - 1), i = Math.min(Math.floor(place), anchors.length - 2);
  const from = parts(anchors[i]), to = parts(anchors[i + 1]);
  return `#${from.map((v, j) => Math.round(v + (to[j] - v) * (place - i)).toString(16).padStart(2, '0')).join('')}`;
}

const linear = c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;

/* Black or white: what can be read on it. */
function inkOn(hex) {
  const [r, g, b] = parts(hex).map(v => linear(v / 255));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.2 ? '#10151c' : '#ffffff';
}

/* How an item measures in a mode: null where nothing is known. */
function measure(item, mode) {
  const value = item.kind === 'port' ? null : number(item[MEASURES[mode]]);
  return mode === 'memory' && !value ? null : value;
}

/* The range of what is visible: {low, high} of what is above zero, null if nothing is. */
function range(items, mode) {
  let low = Infinity, high = -Infinity;
  for (const item of items) {
    const value = item.kind === 'open' ? null : measure(item, mode);
    if (value > 0 && value < Infinity) { low = Math.min(low, value); high = Math.max(high, value); }
  }
  return high > 0 ? {low, high} : null;
}

/* Where on the scale a magnitude is, by factors of ten. */
const place = (value, {low, high}) => high > low ? Math.log(value / low) / Math.log(high / low) : 1;

/* {fill, ink} of an item, empty where it keeps the colour of its kind. */
function of(item, mode, span, table) {
  if (mode === 'kind' || item.kind === 'port' || item.kind === 'open') return {};
  const value = measure(item, mode);
  if (value === null || Number.isNaN(value) || !span) return {unknown: true};
  if (value === 0) return {zero: true};
  const fill = at(table.scale, place(Math.min(value, span.high), span));
  return {fill, ink: inkOn(fill)};
}

/* The measure of several boxes together, as the view makes it for a group. */
function aggregate(boxes, mode) {
  if (mode !== 'gradient') return sum(boxes, box => mode === 'time' ? box.seconds : box.nbytes);
  let squares = 0, elements = 0;
  for (const box of boxes) {
    const norm = box.gradient !== null ? number(box.gradient) : box.gradients ? number(box.gradients.norm) : null;
    if (norm === null || Number.isNaN(norm)) continue;
    squares += norm * norm;
    elements += box.gradient !== null ? 1 : box.gradients.size;
  }
  return elements ? Math.sqrt(squares / elements) : null;
}

/* ---- marks ---- */

/* The names that marks have in the table of colours; the first is the one that matters most. */
const TONES = [
  ['failed', /^failed\b/], ['origin', /\borigin$/], ['clash', /^clash\b/], ['reached', /\breached$/],
  ['removed', /^removed\b/], ['added', /^added\b/], ['changed', /^changed\b/], ['other', /./],
];

const tone = mark => TONES.find(([, words]) => words.test(mark))[0];

/* ---- the legend ---- */

const swatch = (classes, text) => element('span', {class: `swatch ${classes}`}, element('i'), text);

function legend(mode, span, table, kinds, tones) {
  const marks = tones.map(([name, text]) => swatch(`mark-${name}`, text));
  if (mode === 'kind') return [...kinds.map(kind => swatch(`of-${kind}`, kind === 'folded' ? 'folded module' : kind)), ...marks];
  if (!span) return [element('span', {class: 'swatch'}, `${TITLES[mode]}: nothing is known`), ...marks];
  const stops = Array.from({length: 9}, (_, i) => at(table.scale, i / 8));
  const [low, high] = [span.low, span.high].map(WRITTEN[mode]);
  const scale = element('figure', {class: 'scale', 'aria-label': `${TITLES[mode]}: ${low} to ${high}`},
    element('figcaption', null, TITLES[mode]), element('span', null, low),
    element('div', {style: `background:linear-gradient(90deg,${stops.join(',')})`}), element('span', null, high));
  return [scale, swatch('unknown', 'unknown'), swatch('zero', 'zero'), ...marks];
}

wengert.Colour = {MODES, at, inkOn, range, place, of, aggregate, tone, TONES, legend};
})();
