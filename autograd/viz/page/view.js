/* What of a graph is visible: view.py in JavaScript, line for line; a test holds the two equal. `View.make` takes the graph as
 * GraphData.to_json has it (nan and infinity as text) and returns level, notes, opened, names, shown and the tree that it stands on.
 */
(function () {
'use strict';
const wengert = globalThis.wengert = globalThis.wengert || {};

const FAN = 5, RUN = 100, EASY = 4, FEW = 5, STANDINS = 16;
const FAULTS = ['failed', 'origin', 'gradient origin'];
const QUIET = ['reached', 'gradient reached']; // marks that are told by colour only
const KINDS = ['op', 'input', 'parameter', 'buffer', 'constant'];

/* ---------------------------------------------------------------- text */

const WIDTHS = [
  35, 46, 53, 84, 70, 101, 88, 31, 46, 46, 53, 84, 38, 42, 38, 37, 70, 70, 70, 70, 70, 70, 70, 70, 70, 70, 40, 40, 84, 84,
  84, 58, 100, 78, 77, 74, 83, 69, 69, 83, 84, 38, 38, 78, 64, 100, 84, 85, 74, 85, 77, 72, 69, 82, 78, 111, 78, 73, 73,
  46, 37, 46, 84, 50, 50, 68, 72, 60, 72, 68, 44, 72, 72, 35, 35, 67, 35, 105, 72, 69, 72, 72, 50, 60, 48, 72, 66, 93, 65,
  66, 59, 72, 37, 72, 84,
];
const SIZES = {title: 13, kind: 11, value: 11, gradient: 11, mark: 11, port: 10};
const MONO = new Set(['value', 'gradient', 'mark']);
const SPACES = new Set([9, 10, 13, 0x85, 0x2028, 0x2029]);

function clean(text) {
  return /^[ -~]*$/.test(text) ? text : Array.from(text, cleanOne).join('');
}

function cleanOne(letter) {
  const code = letter.codePointAt(0);
  if (SPACES.has(code)) return ' ';
  const bad = code < 32 || (code >= 127 && code < 160) || (code >= 0xD800 && code < 0xE000) || code === 0x200E || code === 0x200F
    || code === 0xFEFF || (code >= 0x202A && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069) || (code & 0xFFFE) === 0xFFFE;
  return bad ? '·' : letter;
}

function shorten(given, most) {
  const text = Array.from(clean(given));
  if (text.length <= most) return text.join('');
  const tail = Math.floor((most - 1) / 2);
  return text.slice(0, most - 1 - tail).join('') + '…' + text.slice(text.length - tail).join('');
}

function textWidth(text, style) {
  let hundredths = 0;
  for (const letter of text) {
    const code = letter.codePointAt(0);
    if (MONO.has(style)) hundredths += code < 0x1100 ? 61 : 122;
    else if (code >= 32 && code < 127) hundredths += WIDTHS[code - 32];
    else hundredths += code < 0x1100 ? 84 : 110;
  }
  return hundredths * SIZES[style] / 100;
}

/* A number of the graph, which JSON may hold as text. */
function float(given) {
  if (given === null || given === undefined || typeof given === 'number') return given === undefined ? null : given;
  return given === 'inf' ? Infinity : given === '-inf' ? -Infinity : NaN;
}

function numberText(given) {
  const x = float(given);
  if (!Number.isFinite(x)) return Number.isNaN(x) ? 'nan' : x > 0 ? 'inf' : '-inf';
  if (Number.isInteger(x) && Math.abs(x) < 1000000) return String(x);
  const [mantissa, power] = Math.abs(x).toExponential(3).split('e');
  const exponent = Number(power), digits = mantissa.replace('.', '');
  let shown;
  if (exponent > -5 && exponent < 0) shown = '0.' + '0'.repeat(-exponent - 1) + digits.replace(/0+$/, '');
  else if (exponent >= 0 && exponent < 3) shown = withoutZeros(digits.slice(0, exponent + 1) + '.' + digits.slice(exponent + 1));
  else if (exponent >= 3 && exponent < 6) shown = digits + '0'.repeat(exponent - 3);
  else shown = withoutZeros(digits[0] + '.' + digits.slice(1)) + `e${exponent}`;
  return x < 0 ? '-' + shown : shown;
}

function withoutZeros(text) { return text.replace(/0+$/, '').replace(/\.$/, ''); }

function commas(n) { return String(n).replace(/\B(?=(\d{3})+$)/g, ','); }

function countText(n, what) { return n === 1 ? `${commas(n)} ${what}` : `${commas(n)} ${what}s`; }

function shapeText(box) {
  const clashing = new Set(box.marks.filter(mark => mark.startsWith('clash: axis ')).map(mark => axisOf(mark, box.shape.length)));
  const sides = box.shape.map((side, axis) => clashing.has(axis) ? `[${side}]` : String(side));
  const shape = sides.length < 8 ? sides.join('×') : [...sides.slice(0, 3), '…', ...sides.slice(-3)].join('×');
  return clean(`${shape || 'scalar'} ${box.dtype}`.replace(/\s+$/, ''));
}

function axisOf(mark, ndim) {
  const text = mark.slice('clash: axis '.length), digits = text.startsWith('-') ? text.slice(1) : text;
  if (!/^[0-9]{1,2}$/.test(digits)) return -1;
  return digits === text ? Number(digits) : ndim - Number(digits);
}

/* ---------------------------------------------------------------- what stands in a box */

function titleOf(box) { return box.kind === 'op' ? box.op : box.name || box.kind; }

function localName(name, path) { return path && name.startsWith(path + '.') ? name.slice(path.length + 1) : name; }

function boxLines(box, values, gradients, path = '') {
  let name = localName(box.name, path);
  name = box.kind === 'op' && name ? `${name} = ${titleOf(box)}` : name || titleOf(box);
  const lines = [shorten(name, 30)], styles = ['title'];
  const add = (line, style) => { lines.push(line); styles.push(style); };
  if (values && box.value !== null) add('value ' + numberText(box.value), 'value');
  else if (box.shape.length || box.dtype) add(shorten(shapeText(box), 36), 'value');
  if (gradients && box.gradient !== null) add('gradient ' + numberText(box.gradient), 'gradient');
  else if (gradients && box.gradients !== null) add('‖gradient‖ ' + numberText(box.gradients.norm), 'gradient');
  const told = [...box.marks.filter(mark => !QUIET.includes(mark)), ...bad(box.values, ''), ...bad(box.gradients, ' in the gradient')];
  for (const mark of told) add(shorten(mark, 36), 'mark');
  return {lines, styles};
}

function bad(stats, where) {
  if (stats === null || stats.nans + stats.infinities === 0) return [];
  const counts = [[stats.nans, 'nan'], [stats.infinities, 'inf']].filter(([count]) => count).map(([count, word]) => `${commas(count)} ${word}`);
  return [counts.join(' and ') + where];
}

function boxSize(lines, styles) {
  const widest = Math.max(...lines.map((line, i) => textWidth(line, styles[i])));
  return {width: 2 * Math.max(32, Math.ceil((widest + 20) / 2)), height: 32 + 16 * (lines.length - 1)};
}

function smallSize(line, kind) {
  const widest = textWidth(line, kind === 'chip' ? 'kind' : 'port');
  return {width: 2 * Math.ceil((widest + 14) / 2), height: kind === 'chip' ? 20 : 18};
}

function groupName(group, above) {
  const name = localName(group.path, above ? above.path : '');
  return (name || group.kind || 'module') + (group.call > 1 ? ` (call ${group.call})` : '');
}

/* ---------------------------------------------------------------- what stands where */

function noTotals() {
  return {boxes: 0, ops: 0, parameters: 0, modules: new Map(), squares: 0, elements: 0, seconds: null, nbytes: 0, marks: [], newest: -1, result: -1};
}

function makeTree(graph, hide, limit) {
  const hidden = findHidden(graph, hide), edges = edgesAround(graph, hidden);
  const uses = new Array(graph.boxes.length).fill(0);
  for (const [source] of edges) uses[source] += 1;
  const groups = graph.groups.length;
  const tree = {
    graph, hidden, edges, uses,
    chip: graph.boxes.map(box => uses[box.number] >= FAN && box.kind !== 'op'),
    where: graph.boxes.map(box => box.group === null ? -1 : box.group),
    parent: graph.groups.map(group => group.parent === null ? -1 : group.parent),
    children: graph.groups.map(() => []),
    roots: [],
    first: new Array(groups).fill(-1),
    last: new Array(groups).fill(-1),
    names: [],
  };
  hang(tree);
  cut(tree, limit);
  tree.order = treeOrder(tree);
  tree.totals = addUp(tree);
  return tree;
}

function childrenOf(tree, group) { return group < 0 ? tree.roots : tree.children[group]; }

function hang(tree) {
  for (let box = 0; box < tree.where.length; box++) {
    if (tree.hidden[box] || tree.chip[box]) continue;
    let child = box, group = tree.where[box];
    for (;;) {
      if (group >= 0) tree.last[group] = box;
      childrenOf(tree, group).push(child);
      if (group < 0 || tree.first[group] >= 0) break;
      tree.first[group] = box;
      child = ~group;
      group = tree.parent[group];
    }
  }
  for (let group = tree.parent.length - 1; group >= 0; group--) {
    const parent = tree.parent[group];
    if (parent >= 0) tree.last[parent] = Math.max(tree.last[parent], tree.last[group]);
  }
}

function cut(tree, limit) {
  const most = [RUN, 50, 20, 10, 5, 2].find(size => size <= limit);
  for (let group = -1; group < tree.graph.groups.length; group++) {
    let children = childrenOf(tree, group);
    while (children.length > limit) {
      const runs = [];
      for (let i = 0; i < children.length; i += most) runs.push(children.slice(i, i + most));
      children = runs.map(run => run.length > 1 ? makeRun(tree, run, group) : run[0]);
      if (group < 0) tree.roots = children;
      else tree.children[group] = children;
    }
  }
}

function makeRun(tree, run, group) {
  const number = tree.parent.length, first = ends(tree, run[0])[0], last = ends(tree, run[run.length - 1])[1];
  tree.parent.push(group);
  tree.children.push(run);
  tree.first.push(first);
  tree.last.push(last);
  tree.names.push(`ops ${first} to ${last}`);
  for (const child of run) {
    if (child >= 0) tree.where[child] = number;
    else tree.parent[~child] = number;
  }
  return ~number;
}

function ends(tree, child) { return child >= 0 ? [child, child] : [tree.first[~child], tree.last[~child]]; }

function treeOrder(tree) {
  const order = tree.roots.filter(child => child < 0).map(child => ~child);
  for (let i = 0; i < order.length; i++) {
    for (const child of tree.children[order[i]]) if (child < 0) order.push(~child);
  }
  return order;
}

function addUp(tree) {
  const totals = tree.parent.map(noTotals);
  for (const group of tree.graph.groups) {
    totals[group.number].parameters = group.parameters;
    totals[group.number].modules.set(`${group.path} ${group.kind}`, group.parameters);
  }
  for (const box of tree.graph.boxes) {
    if (tree.hidden[box.number] || tree.where[box.number] < 0) continue;
    const total = totals[tree.where[box.number]];
    count(total, box);
    if (box.kind === 'op' && (box.is_output || tree.uses[box.number])) total.result = Math.max(total.result, box.number);
  }
  for (let i = tree.order.length - 1; i >= 0; i--) {
    const parent = tree.parent[tree.order[i]];
    if (parent >= 0) join(totals[parent], totals[tree.order[i]]);
  }
  return totals;
}

function count(total, box) {
  total.boxes += 1;
  if (box.kind === 'op') {
    total.ops += 1;
    total.newest = Math.max(total.newest, box.number);
  }
  const gradient = float(box.gradient), norm = box.gradients === null ? NaN : float(box.gradients.norm);
  if (gradient !== null) {
    total.squares += gradient * gradient;
    total.elements += 1;
  } else if (!Number.isNaN(norm)) {
    total.squares += norm * norm;
    total.elements += box.gradients.size;
  }
  if (box.seconds !== null) total.seconds = (total.seconds || 0) + float(box.seconds);
  total.nbytes += box.nbytes;
  addMarks(total.marks, box.marks);
}

function join(total, part) {
  total.boxes += part.boxes;
  total.ops += part.ops;
  joinModules(total, part);
  total.squares += part.squares;
  total.elements += part.elements;
  if (part.seconds !== null) total.seconds = (total.seconds || 0) + part.seconds;
  total.nbytes += part.nbytes;
  total.newest = Math.max(total.newest, part.newest);
  total.result = Math.max(total.result, part.result);
  addMarks(total.marks, part.marks);
}

/* Adds the parameters of those modules that were not called in the others; what `part` knew of them is used up. */
function joinModules(total, part) {
  if (part.modules.size > total.modules.size) { // the smaller goes into the larger, so that a deep model takes no longer
    [total.modules, part.modules] = [part.modules, total.modules];
    total.parameters = part.parameters;
  }
  for (const [path, count] of part.modules) {
    if (total.modules.has(path)) continue;
    total.modules.set(path, count);
    total.parameters += count;
  }
  part.modules = new Map();
}

function addMarks(marks, more) {
  for (const mark of more) if (!marks.includes(mark) && !mark.startsWith('clash')) marks.push(mark);
}

function findHidden(graph, hide) {
  const words = new Set(hide);
  if (!words.size) return graph.boxes.map(() => false);
  const known = new Set([...KINDS, ...Object.keys(graph.ops || {})]);
  for (const box of graph.boxes) known.add(box.op);
  for (const group of graph.groups) known.add(group.path).add(group.kind);
  for (const word of words) if (!known.has(word)) throw new Error(`hide: nothing here is called ${word}`);
  const gone = [];
  for (const group of graph.groups) {
    const above = group.parent !== null && gone[group.parent];
    gone.push(above || Boolean(group.path && words.has(group.path)) || Boolean(group.kind && words.has(group.kind)));
  }
  return graph.boxes.map(box => words.has(box.kind) || Boolean(box.op && words.has(box.op)) || (box.group !== null && gone[box.group]));
}

function edgesAround(graph, hidden) {
  if (!hidden.includes(true)) return graph.edges.map((edge, number) => [edge.source, edge.target, number]);
  const standins = new Map(), found = [];
  const order = graph.edges.map((_, number) => number).sort((a, b) => graph.edges[a].target - graph.edges[b].target);
  for (const number of order) {
    const {source, target} = graph.edges[number];
    const sources = hidden[source] ? standins.get(source) || [] : [source];
    if (!hidden[target]) {
      for (const one of sources) found.push([one, target, number]);
      continue;
    }
    if (!standins.has(target)) standins.set(target, []);
    const there = standins.get(target);
    for (const one of sources.filter(one => !there.includes(one))) there.push(one);
    there.length = Math.min(there.length, STANDINS);
  }
  return found;
}

/* ---------------------------------------------------------------- the view */

function make(graph, {opened = null, depth = null, hide = [], limit = 150, values = true, gradients = true} = {}) {
  const view = {graph, tree: makeTree(graph, hide, limit), values, gradients, opened: [], shown: 0};
  if (opened !== null) {
    const wanted = new Set(opened);
    view.wanted = view.tree.parent.map((_, group) => wanted.has(group));
  } else view.wanted = depth !== null ? toDepth(view.tree, depth) : thatFit(view.tree, Math.floor(limit / EASY), limit);
  findFolded(view);
  view.levels = new Map([[-1, makeLevel(null)]]);
  fill(view);
  connect(view);
  for (const level of view.levels.values()) {
    level.items.sort((a, b) => {
      const [m, n] = view.place.get(a.key), [u, v] = view.place.get(b.key);
      return m - u || n - v;
    });
  }
  view.level = view.levels.get(-1);
  view.names = view.tree.names;
  view.notes = notesOf(view);
  return view;
}

function makeLevel(group) { return {group, items: [], links: [], x: 0, y: 0, width: 0, height: 0}; }

function makeItem(key, kind, number, {lines, styles}, {width, height}, marks) {
  return {
    key, kind, number, lines, styles, width, height, marks, boxes: 1, gradient: null, seconds: null, nbytes: 0,
    inner: null, enters: false, made: true, x: 0, y: 0,
  };
}

function findFolded(view) {
  const {tree} = view;
  view.folded = tree.parent.map(() => -1);
  view.depth = tree.parent.map(() => 0);
  for (const group of tree.order) {
    const parent = tree.parent[group];
    if (parent >= 0 && view.folded[parent] >= 0) view.folded[group] = view.folded[parent];
    else if (view.wanted[group]) {
      view.opened.push(group);
      view.depth[group] = parent < 0 ? 1 : view.depth[parent] + 1;
    } else view.folded[group] = group;
  }
}

function fill(view) {
  view.place = new Map();
  for (const group of [-1, ...view.opened]) {
    const level = view.levels.get(group);
    for (const child of childrenOf(view.tree, group)) {
      const item = child >= 0 ? boxItem(view, child) : groupItem(view, ~child);
      level.items.push(item);
      view.place.set(item.key, [child >= 0 ? child : view.tree.first[~child], 1]);
      if (item.kind === 'open') view.levels.set(~child, item.inner = makeLevel(~child));
      else view.shown += 1;
    }
  }
}

function boxItem(view, number) {
  const box = view.graph.boxes[number], told = boxLines(box, view.values, view.gradients, pathOf(view, view.tree.where[number]));
  return heated(makeItem(`b${number}`, 'box', number, told, boxSize(told.lines, told.styles), box.marks.map(clean)), counted(box));
}

function groupItem(view, number) {
  const total = view.tree.totals[number], told = groupLines(view, number, total);
  if (view.folded[number] < 0) {
    const width = 2 * Math.ceil((textWidth(told.lines[0], 'title') + textWidth(told.lines[1], 'kind') + 38) / 2);
    const header = {lines: told.lines.slice(0, 2), styles: told.styles.slice(0, 2)};
    return heated(makeItem(`g${number}`, 'open', number, header, {width, height: 0}, total.marks), total);
  }
  return heated(makeItem(`g${number}`, 'folded', number, told, boxSize(told.lines, told.styles), total.marks), total);
}

function groupLines(view, number, total) {
  const groups = view.graph.groups;
  let name, kind = '';
  if (number < groups.length) {
    const above = realOf(view, view.tree.parent[number]);
    name = groupName(groups[number], above >= 0 ? groups[above] : null);
    kind = name !== groups[number].kind ? groups[number].kind : '';
  } else name = view.tree.names[number - groups.length];
  const told = kind ? [kind] : [];
  told.push(total.ops ? countText(total.ops, 'op') : countText(total.boxes, 'value'));
  if (total.parameters) told.push(countText(total.parameters, 'parameter'));
  const lines = [shorten(name, 30), shorten(told[0], 30)], styles = ['title', 'kind'];
  const add = (line, style) => { lines.push(line); styles.push(style); };
  if (told.length > 1) add(told.slice(1).join(' · '), 'kind');
  const result = total.result < 0 ? total.newest : total.result;
  if (result >= 0 && view.graph.boxes[result].dtype) add('→ ' + shorten(shapeText(view.graph.boxes[result]), 36), 'value');
  const rms = rmsOf(total);
  if (view.gradients && rms !== null) add('gradient rms ' + numberText(rms), 'gradient');
  for (const mark of total.marks.filter(mark => !QUIET.includes(mark)).slice(0, 3)) add(shorten(mark, 36), 'mark');
  return {lines, styles};
}

function realOf(view, group) {
  let real = group;
  while (real >= view.graph.groups.length) real = view.tree.parent[real];
  return real;
}

function pathOf(view, group) {
  const real = realOf(view, group);
  return real >= 0 ? view.graph.groups[real].path : '';
}

function connect(view) {
  view.links = new Map();
  view.ports = new Map();
  view.chips = new Map();
  for (const [source, target, edge] of view.tree.edges) {
    const [key, home] = itemOf(view, target);
    if (key !== itemOf(view, source)[0]) route(view, source, target, edge, key, home);
  }
}

function itemOf(view, box) {
  const group = view.tree.where[box], folded = group < 0 ? -1 : view.folded[group];
  return folded < 0 ? [`b${box}`, group] : [`g${folded}`, view.tree.parent[folded]];
}

function route(view, source, target, edge, key, home) {
  if (view.tree.chip[source]) {
    link(view, home, chip(view, source, target, edge, key, home), key, edge, -1);
    return;
  }
  let [start, outer] = itemOf(view, source), finish = key, inner = home;
  while (outer !== inner) {
    if (inner < 0 || (outer >= 0 && view.depth[outer] >= view.depth[inner])) {
      link(view, outer, start, port(view, outer, source, false), edge, -1);
      start = `g${outer}`;
      outer = view.tree.parent[outer];
    } else {
      link(view, inner, port(view, inner, source, true), finish, edge, -1);
      finish = `g${inner}`;
      inner = view.tree.parent[inner];
    }
  }
  link(view, outer, start, finish, edge, source);
}

function link(view, group, source, target, edge, given) {
  let value = given;
  if (!(isOpen(view, source) || isOpen(view, target))) value = -1;
  else if (value < 0) value = Number((source[0] === 'p' ? source : target).split('.')[1]);
  const name = `${group} ${source} ${target} ${value}`;
  let found = view.links.get(name);
  if (!found) {
    found = {source, target, edges: [], value: value < 0 ? null : value, back: false, points: []};
    view.links.set(name, found);
    view.levels.get(group).links.push(found);
  }
  found.edges.push(edge);
}

function isOpen(view, key) { return key[0] === 'g' && view.folded[Number(key.slice(1))] < 0; }

function port(view, group, value, enters) {
  const key = `p${group}.${value}`;
  if (!view.ports.has(key)) {
    const line = shorten(shortName(view, value, group), 24);
    const item = makeItem(key, 'port', group, {lines: [line], styles: ['port']}, smallSize(line, 'port'), []);
    Object.assign(item, {boxes: 0, enters, made: view.graph.boxes[value].kind === 'op'});
    view.ports.set(key, item);
    view.levels.get(group).items.push(item);
    view.place.set(key, [enters ? -1 : view.graph.boxes.length, value]);
  }
  return key;
}

function chip(view, source, target, edge, key, home) {
  const name = `${source} ${key}`;
  if (!view.chips.has(name)) {
    const line = shorten(shortName(view, source, home), 24);
    const item = makeItem(`c${source}.${target}.${view.graph.edges[edge].slot}`, 'chip', source, {lines: [line], styles: ['kind']}, smallSize(line, 'chip'), []);
    view.chips.set(name, heated(item, counted(view.graph.boxes[source])));
    view.levels.get(home).items.push(item);
    view.place.set(item.key, [view.place.get(key)[0], 0]);
  }
  return view.chips.get(name).key;
}

function shortName(view, number, group) {
  const box = view.graph.boxes[number];
  return localName(box.name, pathOf(view, group)) || titleOf(box);
}

function notesOf(view) {
  const {tree} = view, notes = [], total = tree.hidden.length, hidden = tree.hidden.filter(Boolean).length;
  const folded = tree.order.filter(group => view.folded[group] === group);
  const inside = folded.reduce((sum, group) => sum + tree.totals[group].boxes, 0);
  if (folded.length) {
    const groups = folded.length === 1 ? `1 folded group holds ${commas(inside)}` : `${commas(folded.length)} folded groups hold ${commas(inside)}`;
    notes.push(`${countText(view.shown, 'box').replace('boxs', 'boxes')} shown: ${groups} of ${commas(total)} values.`);
  }
  if (hidden) notes.push(`${countText(hidden, 'value')} left out.`);
  const wrong = view.graph.boxes.find(box => box.error);
  if (wrong && !view.graph.notes.some(note => note.includes(wrong.error))) notes.push(`Failed: ${wrong.error}`);
  const chips = new Set([...view.chips.values()].map(item => item.number)).size;
  if (chips) {
    const named = chips === 1 ? '1 value that is' : `${commas(chips)} values that are`;
    notes.push(`${named} read ${FAN} times or more: shown at each use.`);
  }
  return notes;
}

function counted(box) {
  const total = noTotals();
  count(total, box);
  return total;
}

function rmsOf(total) {
  if (!total.elements) return null;
  const found = Math.sqrt(total.squares / total.elements);
  return Number.isFinite(found) ? found : null;
}

function heated(item, total) {
  return Object.assign(item, {boxes: total.boxes, gradient: rmsOf(total), seconds: total.seconds, nbytes: total.nbytes, made: total.ops > 0});
}

function toDepth(tree, depth) {
  const depths = tree.parent.map(() => 0);
  for (const group of tree.order) depths[group] = tree.parent[group] < 0 ? 0 : depths[tree.parent[group]] + 1;
  return depths.map(level => level < depth);
}

function thatFit(tree, most, limit) {
  const wanted = tree.parent.map(() => false), groupsIn = children => children.filter(child => child < 0).map(child => ~child);
  let total = tree.roots.length;
  for (const group of aroundFault(tree)) {
    if (total + tree.children[group].length <= most) {
      wanted[group] = true;
      total += tree.children[group].length;
    }
  }
  let front = groupsIn(tree.roots);
  while (front.length) {
    const more = front.filter(group => !wanted[group]);
    const shown = total - wanted.filter(Boolean).length;
    for (const group of more) total += tree.children[group].length;
    if (total > limit || (total > most && shown >= FEW)) break;
    for (const group of more) wanted[group] = true;
    front = front.flatMap(group => groupsIn(tree.children[group]));
  }
  return wanted;
}

function aroundFault(tree) {
  const box = tree.graph.boxes.find(one => !tree.hidden[one.number] && (one.marks.some(mark => FAULTS.includes(mark))));
  const found = [];
  for (let group = box ? tree.where[box.number] : -1; group >= 0; group = tree.parent[group]) found.push(group);
  return found.reverse();
}

wengert.View = {make, clean, shorten, textWidth, numberText, countText, shapeText, boxLines, groupName, localName, titleOf};
})();
