/* The panel at the side: all that is known of a box, or of a group of boxes, with links to what it is made from and to what
 * reads it. Fills an element anew for each selection; `go` is called with the key of a link that was followed.
 */
(function () {
'use strict';
const wengert = globalThis.wengert = globalThis.wengert || {};
const {element, float, integer, shape, bytes, seconds, plural, line, name, title} = wengert.Words;
const {around, inside, own, number, gradientNorm, sum} = wengert.Data;
const {formula, derivative, howSummed} = wengert.Mathematics;

const LISTED = 40; // links in a list, before it says how many more there are

/* ---- parts ---- */

const p = (name, ...content) => element('p', {class: name}, ...content);
const small = text => text ? element('small', null, text) : null;

/* A section with a heading; none, if nothing is in it. */
function section(heading, ...parts) {
  const shown = parts.flat().filter(Boolean);
  if (!shown.length) return null;
  return element('section', null, heading ? element('h3', null, heading) : null, ...shown);
}

/* Pairs of a word and what is known; what is not known is left out. */
function facts(rows) {
  const shown = rows.filter(([, value]) => value !== null && value !== undefined && value !== '');
  if (!shown.length) return null;
  return element('dl', null, shown.map(([key, value]) => [element('dt', null, key), element('dd', null, value)]));
}

function link(go, key, text, more = '') {
  return element('button', {class: 'link', 'data-go': key, onclick: () => go(key)}, element('span', null, text), small(more));
}

function listed(items, draw) {
  if (!items.length) return null;
  const more = items.length - LISTED, shown = items.slice(0, LISTED).map(item => element('li', null, draw(item)));
  return element('ul', null, shown, more > 0 ? element('li', {class: 'more'}, `and ${integer(more)} more`) : null);
}

function boxLink(graph, go, number, before = '') {
  const box = graph.boxes[number];
  return link(go, `b${number}`, before + name(box), shape(box.shape));
}

/* ---- statistics ---- */

const BINS = 16, HIGH = 56;
const percent = share => `${Number((share * 100).toPrecision(3))} %`;

function histogram(stats, label) {
  const most = Math.max(...stats.bins), least = number(stats.least), largest = number(stats.largest);
  if (!most) return null;
  const zero = least < 0 && largest > 0 ? -least / (largest - least) : null;
  const bars = stats.bins.map((count, i) => bar(stats, count, i, most));
  const line = zero === null ? null : element('svg:path', {class: 'zero', d: `M${zero * BINS} 0V${HIGH}`});
  const origin = zero === null ? null : element('span', {class: 'origin', style: `left:${zero * 100}%`}, '0');
  return element('figure', {class: 'histogram'},
    element('svg:svg', {viewBox: `0 0 ${BINS} ${HIGH}`, preserveAspectRatio: 'none', role: 'img', 'aria-label': label}, bars, line),
    element('figcaption', null, element('span', null, float(least, 4)), origin, element('span', null, float(largest, 4))));
}

/* One bin; what is not empty is at least one pixel high. */
function bar(stats, count, i, most) {
  const least = number(stats.least), step = (number(stats.largest) - least) / BINS;
  const total = stats.bins.reduce((a, b) => a + b, 0), height = Math.max(count && 1, count / most * (HIGH - 2));
  const told = `${float(least + step * i, 3)} to ${float(least + step * (i + 1), 3)}: ${percent(count / total)}`;
  return element('svg:rect', {class: 'bin', x: i + 0.06, width: 0.88, y: HIGH - height, height}, element('svg:title', null, told));
}

function statistics(stats, what) {
  const bad = [[stats.nans, 'nan', 'nan'], [stats.infinities, 'infinity', 'infinities']].filter(([count]) => count);
  const told = bad.map(([count, one, many]) => plural(count, one, many)).join(' and ');
  return [
    told ? p('bad', `${told} among ${plural(stats.size, 'number')}`) : null,
    histogram(stats, `Histogram of the ${what}`),
    facts([
      ['mean', float(stats.mean)], ['std', float(stats.std)], ['norm', float(stats.norm)],
      ['zeros', stats.zeros ? percent(stats.zeros) : ''],
    ]),
  ];
}

function quantity(heading, scalar, stats, rest = null) {
  const one = scalar === null ? null : p('number', float(scalar, 12));
  return section(heading, one, stats ? statistics(stats, heading.toLowerCase()) : null, rest);
}

/* ---- a box ---- */

const KINDS = ['op', 'input', 'parameter', 'buffer', 'constant'];

function ofBox(graph, links, box, go) {
  const made = box.kind === 'op', inputs = links.inputs[box.number], uses = links.uses[box.number];
  return [
    header(made ? title(box) : name(box), box.kind, made && box.name ? line(box.name) : `#${box.number}`),
    crumbs(graph, box.group, go),
    marks(box),
    box.error ? p('bad', box.error) : null,
    section('', facts(boxFacts(box))),
    section('Attributes', facts(Object.entries(box.attributes).map(([key, value]) => [line(key), line(value)]))),
    quantity('Value', box.value, box.values),
    gradient(box),
    source(graph, box, go),
    made ? mathematics(graph, inputs, box, go) : null,
    section('Inputs', listed(inputs, edge => boxLink(graph, go, edge.source, edge.name ? `${line(edge.name)} = ` : ''))),
    section(plural(uses.length, 'use'), listed(uses, edge => boxLink(graph, go, edge.target))),
  ];
}

function marks(box) {
  const tone = wengert.Colour.tone;
  return box.marks.length ? p('marks', box.marks.map(mark => element('span', {class: `mark ${tone(mark)}`}, line(mark)))) : null;
}

function boxFacts(box) {
  return [
    ['shape', box.error ? '' : shape(box.shape)], ['dtype', box.dtype], ['memory', box.nbytes ? bytes(box.nbytes) : ''],
    ['kept for backward', box.kept ? bytes(box.kept) : ''], ['time', box.seconds === null ? '' : seconds(box.seconds)],
    ['phase', box.phase === 'forward' ? '' : box.phase], ['order', box.kind === 'op' ? `#${box.number}` : ''],
  ];
}

const UNKNOWN = 'Not known: no backward pass has reached it, or its gradient was not kept.';
const UNWANTED = 'None: no gradient is wanted here.';

function gradient(box) {
  const missing = gradientNorm(box) === null && box.phase === 'forward' && !box.error;
  const told = box.why ? p('why', box.why) : missing ? p('quiet', box.wanted ? UNKNOWN : UNWANTED) : null;
  return quantity('Gradient', box.gradient, box.gradients, told);
}

/* The line that it comes from, and the other way round: what else comes from that line. */
function source(graph, box, go) {
  if (!box.source) return null;
  const [file, at, text] = box.source;
  const same = each => each !== box && each.source && each.source[0] === file && each.source[1] === at;
  const others = graph.boxes.filter(same).map(each => each.number);
  return section('Source', p('place', `${line(file)}:${at}`), text ? element('pre', {class: 'code'}, text.trim()) : null,
    others.length ? element('details', null, element('summary', null, `${plural(others.length, 'other value')} of this line`),
      listed(others, n => boxLink(graph, go, n))) : null);
}

function mathematics(graph, inputs, box, go) {
  const op = own(graph.ops, box.op);
  if (!op) return null;
  const parts = inputs.map(edge => ofInput(graph, op, box, edge, go));
  return section('Derivative', op.summary ? p('summary', op.summary) : null, formula(op.formula), ...parts);
}

function ofInput(graph, op, box, edge, go) {
  const from = graph.boxes[edge.source], shown = derivative(op, edge.name), summed = howSummed(box.op, op, from.shape, box.shape);
  if (!shown && edge.slope === null) return null;
  const called = edge.name ? element('var', null, line(edge.name)) : `input ${edge.slot}`;
  return element('div', {class: 'input'},
    p('', called, ' is ', boxLink(graph, go, edge.source)), shown,
    edge.slope === null ? null : p('number', `here ∂y/∂${line(edge.name || 'x')} = ${float(edge.slope)}`),
    summed ? p('quiet', summed) : null);
}

function header(text, kind, more) {
  const chip = element('span', {class: KINDS.includes(kind) ? `kind of-${kind}` : 'kind'}, kind);
  return element('div', {class: 'name'}, element('h2', null, text), chip, element('span', {class: 'number'}, more));
}

function crumbs(graph, group, go) {
  if (group === null || group === undefined) return null;
  const path = around(graph, group).reverse().map(n => link(go, `g${n}`, groupName(graph, n)));
  return element('nav', {class: 'crumbs', 'aria-label': 'Module'}, path);
}

/* The last part of its path; of the outermost, its class. */
function groupName(graph, n) {
  const {path, kind} = graph.groups[n];
  return line(path.split('.').pop() || kind);
}

/* ---- a group ---- */

function ofGroup(graph, links, group, go) {
  const {number: at, path, kind, call} = group, numbers = inside(links, at), boxes = numbers.map(n => graph.boxes[n]);
  const child = n => link(go, `g${n}`, groupName(graph, n), line(graph.groups[n].kind));
  const size = [['parameters', integer(parameters(graph, links, at))], ['values', integer(boxes.length)]];
  return [
    header(groupName(graph, at), line(kind || 'module'), line(path.includes('.') ? path : '')),
    crumbs(graph, group.parent, go),
    section('', facts([...size, ['call', call > 1 ? `no. ${call}` : ''], ...sums(boxes)])),
    blocks(graph, links, group),
    section('Ops', facts(counted(boxes))),
    section('Modules', listed(links.children[at], child)),
    section('Values', listed(numbers, n => boxLink(graph, go, n))),
  ];
}

function parameters(graph, links, number) {
  let total = 0;
  for (const waiting = [number]; waiting.length;) {
    const at = waiting.pop();
    total += graph.groups[at].parameters;
    for (const child of links.children[at]) waiting.push(child);
  }
  return total;
}

function sums(boxes) {
  const time = sum(boxes, box => box.seconds), memory = sum(boxes, box => box.kind === 'op' ? box.nbytes : null);
  const kept = sum(boxes, box => box.kept), rms = wengert.Colour.aggregate(boxes, 'gradient');
  return [
    ['time', time === null ? '' : seconds(time)], ['memory of results', memory ? bytes(memory) : ''],
    ['kept for backward', kept ? bytes(kept) : ''], ['gradient rms', rms === null ? '' : float(rms, 3)],
  ];
}

function counted(boxes) {
  const counts = new Map();
  boxes.forEach(box => { if (box.kind === 'op') counts.set(box.op, (counts.get(box.op) || 0) + 1); });
  return [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)).slice(0, 12).map(([op, n]) => [line(op), integer(n)]);
}

/* ---- equal blocks in a group: the same measure of each, in a row; a line that falls is a gradient that vanishes ---- */

function blocks(graph, links, group) {
  const children = links.children[group.number], byKind = new Map();
  for (const n of children) {
    const {kind} = graph.groups[n];
    if (!byKind.has(kind)) byKind.set(kind, []);
    byKind.get(kind).push(n);
  }
  const [kind, equal] = [...byKind].reduce((best, each) => each[1].length > best[1].length ? each : best, ['', []]);
  if (equal.length < 3 || equal.length * 2 < children.length) return null;
  const values = equal.map(n => wengert.Colour.aggregate(inside(links, n).map(i => graph.boxes[i]), 'gradient'));
  if (!values.some(value => value > 0)) return null;
  return section(`${equal.length} × ${line(kind)}`, sparkline(values, equal.map(n => groupName(graph, n))));
}

function sparkline(values, names) {
  const logs = values.map(value => value > 0 && Number.isFinite(value) ? Math.log10(value) : null);
  const known = logs.filter(value => value !== null), low = Math.min(...known), high = Math.max(...known, low + 1);
  const width = 280, x = i => 6 + i * (width - 12) / Math.max(1, values.length - 1);
  const y = value => HIGH - 6 - (value - low) / (high - low) * (HIGH - 12);
  const points = logs.map((value, i) => value === null ? null : {i, x: x(i), y: y(value)}).filter(Boolean);
  const dots = points.map(at => element('svg:circle', {cx: at.x, cy: at.y, r: 2.5},
    element('svg:title', null, `${names[at.i]}: ${float(values[at.i], 3)}`)));
  const told = `gradient rms of each, log scale: ${float(10 ** low, 3)} to ${float(10 ** Math.max(...known), 3)}`;
  return element('figure', {class: 'sparkline'},
    element('svg:svg', {viewBox: `0 0 ${width} ${HIGH}`, role: 'img', 'aria-label': told},
      element('svg:polyline', {points: points.map(at => `${at.x},${at.y}`).join(' ')}), dots),
    element('figcaption', null, told));
}

/* A run of ops, which the view made because there were too many. */
function ofRun(graph, text, numbers, go) {
  const boxes = numbers.map(n => graph.boxes[n]);
  return [
    header(text, 'run', plural(numbers.length, 'value')), section('', facts(sums(boxes))),
    section('Ops', facts(counted(boxes))), section('Values', listed(numbers, n => boxLink(graph, go, n))),
  ];
}

wengert.Panel = {ofBox, ofGroup, ofRun, groupName};
})();
