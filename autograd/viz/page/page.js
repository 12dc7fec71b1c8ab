/* The page: holds what the reader has chosen (open groups, selection, colour, step, search), shows it on the canvas and in the
 * panel, and keeps it in the fragment of the address, so that a link leads to the same picture. The last of the scripts: it starts.
 */
(function () {
'use strict';
const wengert = globalThis.wengert;
const {Data, Words, Colour, Canvas, Panel, Steps, Save, Search, Address, Stepper, View, Layout} = wengert;
const {element, plural, shape, line} = Words;
const find = id => document.getElementById(id);

const PACE = 900; // milliseconds a step
const STEP_PAN = 60; // pixels for an arrow key
const WRITE_AFTER = 250; // milliseconds until the address follows

/* What the reader has chosen; and what follows from it. */
const chosen = {opened: null, depth: null, selected: null, colour: 'kind', step: null, query: '', theme: null};
let graph, links, options, colours, canvas, view, steps = [], hits = [], hit = -1, span = null, chips = new Map(), playing = 0;
let progress = null, litHits = new Map(), writing = 0, addressed = true, restoring = false;

/* ================================================================ what is visible */

function rebuild(anchor = null) {
  view = View.make(graph, {...options, opened: chosen.opened, depth: chosen.depth});
  Layout.place(view.level, options.direction);
  chips = new Map();
  for (const item of itemsOf(view.level)) if (item.kind === 'chip' && !chips.has(item.number)) chips.set(item.number, item.key);
  span = Colour.range(itemsOf(view.level), chosen.colour);
  findHitsShown();
  canvas.show(view.level, anchor);
  light();
  caption();
  legend();
  showDepth();
  write();
}

function itemsOf(level) {
  const found = [], waiting = [level];
  while (waiting.length) {
    for (const item of waiting.pop().items) {
      found.push(item);
      if (item.inner) waiting.push(item.inner);
    }
  }
  return found;
}

/* The groups around a box or a group, runs that the view made included, innermost first. */
function around(group) {
  const found = [];
  for (let at = group; at >= 0; at = view.tree.parent[at]) found.push(at);
  return found;
}

/* The key of the item that stands for a box: its own, that of a chip, or that of the folded group that it is in. */
function keyOf(box) {
  return canvas.has(`b${box}`) ? `b${box}` : chips.get(box) || foldedAround(view.tree.where[box]);
}

/* The outermost group around that is not open. */
function foldedAround(group) {
  const opened = new Set(view.opened);
  const found = around(group).reverse().find(at => !opened.has(at));
  return found === undefined ? null : `g${found}`;
}

/* ---- fold and unfold ---- */

function setOpen(opened, anchor = null) {
  chosen.opened = [...opened].sort((a, b) => a - b);
  chosen.depth = null;
  rebuild(anchor);
}

function toggle(group) {
  const opened = new Set(view.opened), opens = !opened.delete(group);
  if (opens) opened.add(group);
  setOpen(opened, `g${group}`);
  say(`${opens ? 'Opened' : 'Folded'} ${nameOfGroup(group)}`);
}

function openAll() { setOpen(view.tree.parent.keys()); canvas.start(); say('All groups are open'); }
function foldAll() { setOpen([]); canvas.fit(); say('All groups are folded'); }

function setDepth(depth) {
  Object.assign(chosen, {opened: null, depth});
  rebuild();
  canvas.start();
}

/* Opens what hides a box or a group. */
function unfold(groups) {
  const opened = new Set(view.opened), missing = groups.filter(group => !opened.has(group));
  if (!missing.length) return;
  missing.forEach(group => opened.add(group));
  setOpen(opened);
}

const nameOfGroup = group => group < graph.groups.length ? Panel.groupName(graph, group) : view.names[group - graph.groups.length];

function depths() {
  let deepest = 0;
  const depth = [];
  view.tree.order.forEach(group => {
    const parent = view.tree.parent[group];
    depth[group] = parent < 0 ? 1 : depth[parent] + 1;
    deepest = Math.max(deepest, depth[group]);
  });
  return deepest;
}

function showDepth() {
  const deepest = depths(), current = chosen.opened ? 'own' : chosen.depth === null ? 'fit' : String(chosen.depth);
  const choices = [['fit', 'as fits'], ...Array.from({length: deepest + 1}, (_, i) => [String(i), `depth ${i}`])];
  if (current === 'own') choices.push(['own', 'by hand']);
  find('depth').replaceChildren(...choices.map(([value, text]) => element('option', {value, selected: value === current}, text)));
  for (const id of ['fold', 'open', 'depth']) find(id).disabled = deepest === 0;
}

/* ================================================================ how items look */

function describe(item) {
  const colour = Colour.of(item, chosen.colour, span, colours), classes = [...classesOf(item)];
  if (colour.unknown) classes.push('unknown');
  if (colour.zero) classes.push('zero');
  const found = litHits.get(item.key);
  if (found) classes.push('hit');
  if (found && found.has(hitKey())) classes.push('current');
  const shown = progress ? stepped(item, classes) : {lines: item.lines, styles: item.styles};
  const ring = item.key === chosen.selected || (progress !== null && progress.key === item.key);
  return {...shown, classes: classes.join(' '), fill: colour.fill, ink: colour.ink, ring, label: label(item)};
}

function* classesOf(item) {
  if (item.kind === 'box' || item.kind === 'chip') {
    const box = graph.boxes[item.number];
    yield `of-${box.kind}`;
    if (box.phase !== 'forward') yield `phase-${box.phase}`;
    if (box.is_output) yield 'output';
  }
  for (const mark of item.marks || []) yield `mark-${Colour.tone(mark)}`;
  if (item.key === chosen.selected) yield 'selected';
}

function label(item) {
  if (item.kind === 'port') return `${item.lines[0]}: ${item.enters ? 'enters' : 'leaves'} here`;
  if (item.kind === 'open' || item.kind === 'folded') {
    const group = graph.groups[item.number], path = group ? line(group.path || group.kind) : nameOfGroup(item.number);
    return `${path}, ${item.kind} group of ${plural(item.boxes, 'value')}`;
  }
  const box = graph.boxes[item.number];
  const what = box.kind === 'op' ? `op ${box.op}` : box.kind;
  return [Words.name(box), what, `shape ${shape(box.shape)}`, ...item.lines.slice(1)].map(line).join(', ');
}

/* Between scalars, what a small change of the one does to the other. */
function slopeOf(link) {
  const slopes = link.edges.map(n => graph.edges[n].slope);
  if (!options.gradients || slopes.length > 3 || slopes.every(slope => slope === null)) return '';
  return `×${slopes.map(slope => slope === null ? '?' : View.numberText(Data.number(slope))).join(', ')}`;
}

/* While it is stepped through, a box shows only what has been computed. */
function stepped(item, classes) {
  const kept = {lines: [...item.lines], styles: [...item.styles]};
  if (progress.key === item.key) classes.push('stepping');
  if (item.kind !== 'box') return kept;
  if (!progress.valued.has(item.number)) classes.push('waiting');
  kept.lines = kept.lines.map((text, i) => i ? lineSoFar(graph.boxes[item.number], text, kept.styles[i]) : text);
  return kept;
}

/* A line of a box as it is at this step: empty before there is anything to say, and of a scalar the gradient that has come so far. */
function lineSoFar(box, text, style) {
  const {valued, graded, sums} = progress;
  if (style === 'value') return box.value === null || valued.has(box.number) ? text : ' ';
  if (style !== 'gradient') return text;
  if (!graded.has(box.number)) return ' ';
  return box.gradient !== null && sums.has(box.number) ? `gradient ${View.numberText(sums.get(box.number))}` : text;
}

function caption() {
  const text = [...graph.notes, ...view.notes].map(line).join(' ');
  find('caption').textContent = text;
  find('caption').title = text;
}

const LEGEND = {origin: 'first that is not finite', reached: 'reached by it', clash: 'clash of shapes', other: 'marked'};

function legend() {
  const items = itemsOf(view.level);
  const kindOf = item => item.kind === 'box' || item.kind === 'chip' ? graph.boxes[item.number].kind : item.kind;
  const seen = new Set(items.map(kindOf));
  const kinds = ['op', 'input', 'parameter', 'buffer', 'constant', 'folded'].filter(kind => seen.has(kind));
  const tones = new Set(items.flatMap(item => item.marks || []).map(Colour.tone));
  const marks = Colour.TONES.map(([tone]) => [tone, LEGEND[tone] || tone]).filter(([tone]) => tones.has(tone));
  find('legend').replaceChildren(...Colour.legend(chosen.colour, span, colours, kinds, marks));
}

function setColour(mode) {
  chosen.colour = Object.hasOwn(Colour.MODES, mode) ? mode : 'kind';
  find('colour').value = chosen.colour;
  document.body.dataset.colour = chosen.colour;
  span = Colour.range(itemsOf(view.level), chosen.colour);
  canvas.refresh();
  legend();
  write();
}

/* ================================================================ selection and panel */

/* Goes to a box or a group, opens what hides it, and shows it in the panel. */
function go(key) {
  const [, kind, digits] = /^([bg])(\d+)$/.exec(key) || [];
  if (!kind || Number(digits) >= (kind === 'b' ? graph.boxes : view.tree.parent).length) return;
  const number = Number(digits);
  unfold(kind === 'b' ? around(view.tree.where[number]) : around(view.tree.parent[number]));
  const shown = canvas.has(key) ? key : chips.get(number);
  select(shown || key);
  canvas.reveal(shown || key);
}

function select(key) {
  chosen.selected = key;
  canvas.refresh();
  light();
  showPanel();
  find('canvas').setAttribute('aria-activedescendant', key ? `item-${key}` : '');
  write();
}

/* The links of the selection and of the step. */
function light() {
  canvas.highlight([chosen.selected, progress && progress.key].filter(Boolean));
}

/* The box or the group that a key stands for. */
function meant(key) {
  const [, kind, digits, value] = /^([a-z])(\d+)(?:\.(\d+))?/.exec(key || '') || [];
  if (!kind) return null;
  if (kind === 'g') return Number(digits) < graph.groups.length ? {group: graph.groups[Number(digits)]} : {run: Number(digits)};
  return {box: graph.boxes[Number(kind === 'p' ? value : digits)]};
}

function showPanel() {
  const panel = find('panel'), what = meant(chosen.selected);
  panel.hidden = !what;
  if (!what) return;
  const parts = what.box ? Panel.ofBox(graph, links, what.box, go) : what.group ? Panel.ofGroup(graph, links, what.group, go)
    : Panel.ofRun(graph, nameOfGroup(what.run), membersOf(what.run), go);
  const leave = () => { select(null); find('canvas').focus(); };
  const close = element('button', {id: 'close', class: 'flat', 'aria-label': 'Close', title: 'Close (Escape)', onclick: leave}, '×');
  panel.replaceChildren(close, ...parts.filter(Boolean));
  panel.scrollTop = 0;
  say(panel.querySelector('h2').textContent);
}

function membersOf(run) {
  const found = [], waiting = [run];
  while (waiting.length) {
    for (const child of view.tree.children[waiting.pop()]) (child < 0 ? waiting : found).push(child < 0 ? ~child : child);
  }
  return found.sort((a, b) => a - b);
}

/* Where an item stands in the order of execution: a group where its first box stands. */
const rank = item => item.kind === 'open' || item.kind === 'folded' ? view.tree.first[item.number] : item.number;

/* To the next or the previous of the boxes and folded groups that are visible; from an open group into it. */
function walk(by) {
  const order = itemsOf(view.level).filter(item => item.kind === 'box' || item.kind === 'folded').sort((a, b) => rank(a) - rank(b));
  const selected = canvas.items().find(({key}) => key === chosen.selected);
  const here = order.findIndex(item => item.key === chosen.selected);
  const beside = () => selected ? order.findIndex(item => rank(item) >= rank(selected.item)) - (by < 0) : by < 0 ? order.length - 1 : 0;
  const next = order[Math.max(0, Math.min(order.length - 1, here < 0 ? beside() : here + by))];
  if (next) { select(next.key); canvas.reveal(next.key); }
}

/* To the first input of what is selected, or to its first use. */
function follow(side) {
  const what = meant(chosen.selected);
  const edges = what && what.box ? links[side][what.box.number] : [];
  if (edges.length) go(`b${side === 'inputs' ? edges[0].source : edges[0].target}`);
}

function toggleSelected() {
  const what = meant(chosen.selected);
  if (!what) return;
  if (what.box && what.box.group !== null) { const group = view.tree.where[what.box.number]; toggle(group); select(`g${group}`); }
  else if (!what.box) toggle(what.group ? what.group.number : what.run);
}

function picked(found) {
  if (!found) { select(null); return; }
  const {entry: {item}, header} = found;
  if (header) { toggle(item.number); return; }
  select(item.key);
  canvas.reveal(item.key, false); // the panel may have come over it
}

/* ================================================================ search */

let texts = null;

function search(query) {
  chosen.query = query;
  if (query.trim()) texts = texts || Search.index(graph);
  hits = query.trim() ? Search.find(texts, query) : [];
  hit = -1;
  findHitsShown();
  canvas.refresh();
  countHits();
  write();
}

const hitKey = () => hits[hit];

/* Which visible items show a hit, or hide it: a map from their keys to the hits. */
function findHitsShown() {
  litHits = new Map();
  const visible = new Set(itemsOf(view.level).map(item => item.key));
  for (const key of hits) {
    const number = Number(key.slice(1));
    const at = visible.has(key) ? key : foldedAround(key[0] === 'b' ? view.tree.where[number] : number) || chips.get(number);
    if (!at) continue;
    if (!litHits.has(at)) litHits.set(at, new Set());
    litHits.get(at).add(key);
  }
}

function countHits() {
  const count = !hits.length ? 'none' : hit < 0 ? `${hits.length}` : `${hit + 1} of ${hits.length}`;
  find('hits').textContent = chosen.query.trim() ? count : '';
  document.querySelector('.search').classList.toggle('filled', chosen.query !== '');
}

function nextHit(by) {
  if (!hits.length) return;
  hit = hit < 0 ? (by > 0 ? 0 : hits.length - 1) : (hit + by + hits.length) % hits.length;
  go(hitKey());
  canvas.refresh();
  countHits();
}

/* ================================================================ stepper */

function setStep(step) {
  if (step !== null && !steps.length) step = null;
  const begins = (chosen.step === null) !== (step === null);
  chosen.step = step === null ? null : Math.max(0, Math.min(steps.length - 1, step));
  find('step').setAttribute('aria-pressed', String(chosen.step !== null));
  find('stepper').hidden = chosen.step === null;
  document.body.classList.toggle('stepping', chosen.step !== null);
  progress = chosen.step === null ? null : progressAt(chosen.step);
  canvas.refresh();
  light();
  if (!progress) pause();
  else {
    showStep();
    if (chosen.selected && !restoring) select(progress.key); // the panel follows
  }
  if (begins) canvas.cover(progress ? find('stepper').offsetHeight + 12 : 0);
  else if (progress) canvas.reveal(progress.key);
  write();
}

function stepBy(by) { setStep(chosen.step === null ? 0 : chosen.step + by); }

function progressAt(step) {
  const {box} = steps[step], sums = Steps.sums(graph, links, steps, step + 1);
  return {box, key: keyOf(box), sums, ...Steps.reached(graph, links, steps, step)};
}

function showStep() {
  const step = steps[chosen.step], before = Steps.sums(graph, links, steps, chosen.step);
  const {lines} = Steps.told(graph, links, step, before), phase = step.phase === 'chain' ? 'backward' : step.phase;
  const shown = {at: chosen.step, count: steps.length, playing: playing !== 0, phase, lines};
  Stepper.draw(find('stepper'), shown, {go: setStep, play, close: () => setStep(null)});
}

function play() {
  if (playing) { pause(); return; }
  if (chosen.step === null || chosen.step === steps.length - 1) setStep(0);
  playing = setInterval(() => chosen.step < steps.length - 1 ? setStep(chosen.step + 1) : pause(), PACE);
  if (progress) showStep();
}

function pause() {
  clearInterval(playing);
  playing = 0;
  if (progress) showStep();
}

/* ================================================================ the address */

function fragment() {
  const {x, y, k} = canvas.camera, {clientWidth: width, clientHeight: height} = find('canvas'), parts = new URLSearchParams();
  if (chosen.opened) parts.set('open', Address.ranges(view.opened.slice().sort((a, b) => a - b)));
  if (chosen.depth !== options.depth && chosen.depth !== null) parts.set('depth', chosen.depth);
  if (chosen.selected) parts.set('at', chosen.selected);
  if (chosen.colour !== options.colour) parts.set('colour', chosen.colour);
  if (chosen.step !== null) parts.set('step', chosen.step + 1);
  if (chosen.query) parts.set('find', chosen.query);
  if (chosen.theme) parts.set('theme', chosen.theme);
  parts.set('see', [(width / 2 - x) / k, (height / 2 - y) / k].map(v => Math.round(v)).concat(Number(k.toPrecision(4))).join(','));
  return parts;
}

function write() {
  clearTimeout(writing);
  if (!restoring && addressed) writing = setTimeout(() => { addressed = Address.write(fragment()); }, WRITE_AFTER);
}

function restore() {
  restoring = true;
  canvas.together(restoreAll);
  restoring = false;
}

function restoreAll() {
  const parts = Address.read();
  setTheme(['dark', 'light'].includes(parts.get('theme')) ? parts.get('theme') : null);
  const most = graph.groups.length + graph.boxes.length; // runs of ops are groups too
  Object.assign(chosen, {
    opened: parts.has('open') ? Address.numbers(parts.get('open'), most) : null,
    depth: Address.whole(parts.get('depth')) ?? options.depth,
    selected: null,
  });
  rebuild();
  setColour(parts.get('colour') || options.colour);
  find('query').value = parts.get('find') || '';
  search(find('query').value);
  setStep(parts.has('step') && Address.whole(parts.get('step')) !== null ? Address.whole(parts.get('step')) - 1 : null);
  if (canvas.has(parts.get('at'))) select(parts.get('at')); else select(null);
  see(parts.get('see'));
}

function see(text) {
  const [x, y, k] = (text || '').split(',').map(Number), {clientWidth: width, clientHeight: height} = find('canvas');
  if ([x, y, k].every(Number.isFinite) && k > 0) {
    canvas.go({x: width / 2 - x * k, y: height / 2 - y * k, k}, false);
    return;
  }
  canvas.start();
  canvas.reveal(progress ? progress.key : chosen.selected);
}

/* ================================================================ theme, help, saving */

const prefersDark = () => globalThis.matchMedia('(prefers-color-scheme: dark)');

function setTheme(theme) {
  chosen.theme = theme;
  document.documentElement.dataset.theme = theme || (prefersDark().matches ? 'dark' : 'light');
  write();
}

function switchTheme() {
  setTheme(document.documentElement.dataset.theme === 'dark' ? 'light' : 'dark');
}

const KEYS = [
  ['Look', [
    ['drag, wheel, arrows', 'pan; with Shift farther'], ['Ctrl+wheel, pinch, + -', 'zoom to the pointer'], ['f or 0', 'fit all of it'],
    ['1', 'full size'], ['c', 'next colour'], ['d', 'dark or light'], ['e', 'save what is seen'],
  ]],
  ['Groups', [['click on a header', 'open or fold it'], ['Enter', 'open or fold what is selected'], ['a', 'open all'], ['z', 'fold all']]],
  ['Walk', [
    ['click', 'select, with all that is known of it'], ['j k', 'next and previous in order of execution'],
    ['i u', 'to its first input, to its first use'], ['Escape', 'close, clear'],
  ]],
  ['Search', [['/', 'search'], ['n N', 'next and previous hit']]],
  ['Step', [
    ['s', 'step through forward and backward'], ['. ,', 'step on and back'], ['space', 'play or pause'],
    ['Home End', 'first and last step'],
  ]],
];

function dialog(title, ...parts) {
  menu(false);
  const leave = () => find('dialog').close();
  const close = element('button', {class: 'flat', id: 'dialog-close', 'aria-label': 'Close', onclick: leave}, '×');
  find('dialog').replaceChildren(close, element('h2', {id: 'dialog-title'}, title), ...parts);
  if (!find('dialog').open) find('dialog').showModal();
}

function help() {
  const rows = pairs => pairs.map(([keys, text]) => [element('dt', null, keys), element('dd', null, text)]);
  const parts = KEYS.map(([heading, pairs]) => element('section', null, element('h3', null, heading), element('dl', null, rows(pairs))));
  dialog('Keyboard and mouse', element('div', {class: 'keys'}, parts));
}

async function save(format) {
  menu(false);
  const title = find('title').textContent, name = Save.fileName(title, format);
  const file = await Save.picture(find('canvas'), title, format);
  if (!Save.confined()) { Save.download(file, name); say(`Saved ${name}`); return; }
  const url = await Save.address(file);
  const told = 'This frame may not be allowed to download. If the link does nothing, save the picture with the right button.';
  dialog('Save the picture', element('p', null, told),
    element('p', null, element('a', {href: url, download: name}, name)), element('img', {src: url, alt: name}));
}

function menu(open) {
  document.querySelector('[role=menu]').hidden = !open;
  find('save').setAttribute('aria-expanded', String(open));
  if (open) find('save-svg').focus();
}

function say(text) { find('said').textContent = text; }

/* ---- the first fault, which a button leads to ---- */

const FAULTS = [/^failed\b/, /^origin$/, /^gradient origin$/]; // the first of them that any box has is told

function trouble() {
  const fault = FAULTS.map(words => {
    const box = graph.boxes.find(each => each.marks.some(mark => words.test(mark)));
    return box && {box, mark: box.marks.find(mark => words.test(mark))};
  }).find(Boolean);
  if (!fault) return;
  const reached = graph.boxes.filter(each => each.marks.includes('reached')).length;
  find('trouble').hidden = false;
  find('trouble').textContent = `${line(fault.mark)}: ${Words.name(fault.box)}${reached ? `, reaches ${reached}` : ''}`;
  find('trouble').addEventListener('click', () => go(`b${fault.box.number}`));
}

/* ================================================================ keyboard */

const COMMANDS = {
  '?': help, '/': () => { find('query').focus(); find('query').select(); },
  f: () => canvas.fit(), '0': () => canvas.fit(), '1': () => canvas.zoomBy(1 / canvas.camera.k),
  '+': () => canvas.zoomBy(1.25), '=': () => canvas.zoomBy(1.25), '-': () => canvas.zoomBy(0.8), '−': () => canvas.zoomBy(0.8),
  a: openAll, z: foldAll, c: () => nextColour(1), C: () => nextColour(-1), d: switchTheme, e: () => menu(true),
  j: () => walk(1), k: () => walk(-1), i: () => follow('inputs'), u: () => follow('uses'),
  n: () => nextHit(1), N: () => nextHit(-1),
  s: () => setStep(chosen.step === null ? 0 : null), '.': () => stepBy(1), ',': () => stepBy(-1),
};
const ON_CANVAS = { // keys that mean something else on a button or in the panel
  Enter: toggleSelected, ' ': play,
  Home: () => chosen.step !== null && setStep(0), End: () => chosen.step !== null && setStep(Infinity),
  ArrowLeft: event => canvas.panBy(far(event), 0), ArrowRight: event => canvas.panBy(-far(event), 0),
  ArrowUp: event => canvas.panBy(0, far(event)), ArrowDown: event => canvas.panBy(0, -far(event)),
};
const far = event => STEP_PAN * (event.shiftKey ? 5 : 1);

function nextColour(by) {
  const modes = Object.keys(Colour.MODES), at = modes.indexOf(chosen.colour);
  setColour(modes[(at + by + modes.length) % modes.length]);
}

function leaveSearch() {
  find('query').value = '';
  search('');
  find('canvas').focus();
}

function escape() {
  if (!document.querySelector('[role=menu]').hidden) { menu(false); find('save').focus(); }
  else if (chosen.query || document.activeElement === find('query')) leaveSearch();
  else if (chosen.step !== null) setStep(null);
  else select(null);
}

function pressed(event) {
  if (find('dialog').open || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === 'Escape') { escape(); return; }
  const at = document.activeElement || document.body;
  if (at.matches('input[type=search], select')) return;
  const free = [find('canvas'), find('panel'), document.body].includes(at);
  const command = COMMANDS[event.key] || (free ? ON_CANVAS[event.key] : null);
  if (!command) return;
  event.preventDefault();
  command(event);
}

/* ================================================================ start */

function connect() {
  const on = (id, action, type = 'click') => find(id).addEventListener(type, action);
  on('query', event => search(event.target.value), 'input');
  on('query', event => { if (event.key === 'Enter') { event.preventDefault(); nextHit(event.shiftKey ? -1 : 1); } }, 'keydown');
  on('next', () => nextHit(1));
  on('previous', () => nextHit(-1));
  on('colour', event => setColour(event.target.value), 'change');
  on('depth', event => event.target.value === 'fit' ? setDepth(null) : setDepth(Number(event.target.value)), 'change');
  on('fold', foldAll);
  on('open', openAll);
  on('fit', () => canvas.fit());
  on('zoom-in', () => canvas.zoomBy(1.25));
  on('zoom-out', () => canvas.zoomBy(0.8));
  on('step', () => setStep(chosen.step === null ? 0 : null));
  on('save', () => menu(document.querySelector('[role=menu]').hidden));
  on('save-svg', () => save('svg'));
  on('save-png', () => save('png'));
  on('theme', switchTheme);
  on('help', help);
  document.addEventListener('keydown', pressed);
  document.addEventListener('pointerdown', event => { if (!event.target.closest('.menu')) menu(false); });
  globalThis.addEventListener('hashchange', restore);
  prefersDark().addEventListener('change', () => { if (!chosen.theme) setTheme(null); });
}

function fill() {
  find('colour').replaceChildren(...Object.entries(Colour.MODES).map(([value, text]) => element('option', {value}, text)));
  steps = Steps.list(graph);
  find('step').disabled = !steps.length;
  trouble();
}

/* A page within a page may start before the outer one has given it any room: what fits is not known until then. It asks again and
   again, for an observer is not told in a frame that the browser does not paint. */
async function laidOut(box) {
  while (!box.clientWidth) await new Promise(done => setTimeout(done, 100));
}

async function start() {
  const data = await Data.read(find('data'));
  find('data').remove();
  ({options, colours} = data);
  graph = Data.unpack(data.graph);
  links = Data.index(graph);
  const {direction} = options, path = points => Layout.path(points, direction);
  canvas = Canvas.make(find('canvas'), {describe, onpick: picked, onmove: write, path, told: slopeOf, direction});
  fill();
  connect();
  await laidOut(find('canvas'));
  restore();
  performance.mark('drawn');
  document.body.dataset.ready = 'true';
}

start().catch(error => {
  const told = `This graph could not be drawn: ${error.message}`;
  document.querySelector('main').replaceChildren(element('p', {class: 'failure'}, told));
  throw error;
});
})();
