/* The canvas: draws a placed level tree in SVG, pans and zooms it, and says what was clicked. Only what is on the screen, and a
 * margin around it, is drawn; where that is still too much to read, boxes are drawn as plain rectangles, one path for each
 * colour, so that any size pans smoothly. Knows nothing of graphs: `describe` says how an item looks.
 */
(function () {
'use strict';
const wengert = globalThis.wengert = globalThis.wengert || {};
const {element} = wengert.Words;

const READABLE = 1500; // items: above that many on the screen, plain rectangles
const SPECK = 5; // pixels around half of it: what is smaller is left out among plain rectangles
const MARGIN = 0.6; // of the screen, drawn around it
const CLOSEST = 4, FARTHEST = 0.004;
const PAD = 18; // below what stands in an open group
const STILL = 4; // pixels: a click may tremble by that much
const HEAD = 26, LINE = 16, FIRST = {box: 21, chip: 14, port: 13}; // of text, from the top
const quiet = () => globalThis.matchMedia('(prefers-reduced-motion: reduce)').matches;

/* ---- the level tree as flat lists in places of their own ---- */

function flatten(level, direction) {
  const items = [], links = [], waiting = [{level, x: 0, y: 0, depth: 0}];
  while (waiting.length) {
    const {level: at, x, y, depth} = waiting.pop();
    for (const item of at.items) {
      const entry = {key: item.key, item, x: x + item.x, y: y + item.y, width: item.width, height: item.height, depth};
      items.push(entry);
      if (item.inner) waiting.push({level: item.inner, x: entry.x + item.inner.x, y: entry.y + item.inner.y, depth: depth + 1});
    }
    for (const link of at.links) links.push(placed(link, link.points, x, y));
    for (const item of at.items.filter(each => each.kind === 'port')) {
      links.push(placed({source: item.key, target: item.key, stub: true}, stub(at, item, direction), x, y));
    }
  }
  items.sort((a, b) => a.depth - b.depth); // frames before what stands in them
  return {items, links, width: level.width, height: level.height};
}

/* From the border of an open group to a port inside, or from the port to the border. */
function stub(level, port, direction) {
  const x = port.x + port.width / 2, y = port.y + port.height / 2;
  if (direction === 'down' && port.enters) return [[x, -level.y], [x, port.y]];
  if (direction === 'down') return [[x, port.y + port.height], [x, level.height + PAD]];
  return port.enters ? [[-level.x, y], [port.x, y]] : [[port.x + port.width, y], [level.width + level.x, y]];
}

function placed(link, found, x, y) {
  const points = found.map(([a, b]) => [a + x, b + y]);
  const xs = points.map(point => point[0]), ys = points.map(point => point[1]);
  const [left, right, top, bottom] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  return {link, points, x: left, y: top, width: right - left, height: bottom - top};
}

/* ---- one item ---- */

function draw(entry, look) {
  const {item, x, y, width, height} = entry, small = item.kind === 'chip' || item.kind === 'port';
  const made = element('svg:g', {
    id: `item-${entry.key}`, class: `item ${item.kind} ${look.classes}`, transform: `translate(${x} ${y})`,
    role: 'img', 'aria-label': look.label, 'data-key': entry.key,
  }, element('svg:title', null, look.label));
  const style = look.fill ? `fill:${look.fill}` : null, folded = item.kind === 'folded';
  if (folded) made.append(element('svg:rect', {class: 'behind', x: 4, y: 4, width, height, rx: 6}));
  made.append(element('svg:rect', {class: 'body', width, height, rx: small ? height / 2 : item.kind === 'open' ? 10 : 6, style}));
  const stroke = look.ink ? `stroke:${look.ink}` : null;
  if (folded) made.append(element('svg:path', {class: 'arrow', style: stroke, d: 'M6.5 12.5l3.5 3.5-3.5 3.5'}));
  if (item.kind !== 'open') made.append(...lines(item, look));
  if (look.ring) {
    const rx = small ? height / 2 + 4 : 10;
    made.append(element('svg:rect', {class: 'ring', x: -4, y: -4, width: width + 8, height: height + 8, rx}));
  }
  return made;
}

/* The lines of text, in the middle; the first of a folded group leaves room for its arrow. */
function lines(item, look) {
  const first = FIRST[item.kind] || FIRST.box, style = look.ink ? `fill:${look.ink}` : null;
  return look.lines.map((line, i) => element('svg:text', {
    class: look.styles[i], x: item.width / 2 + (i || item.kind !== 'folded' ? 0 : 4), y: first + LINE * i, style,
  }, line));
}

/* The name of an open group, over the lines to its ports: the place to fold it. */
function header(entry, look) {
  const parts = look.lines.slice(0, 2).map((line, i) => element('svg:tspan', {class: look.styles[i], dx: i ? 10 : null}, line));
  return element('svg:g', {class: `header ${look.classes}`, transform: `translate(${entry.x} ${entry.y})`},
    element('svg:path', {class: 'band', d: `M0 ${HEAD}V10A10 10 0 0 1 10 0H${entry.width - 10}A10 10 0 0 1 ${entry.width} 10V${HEAD}Z`}),
    element('svg:path', {class: 'arrow', d: 'M10 12.5l4 4 4-4'}), element('svg:text', {x: 24, y: 19.5}, parts));
}

/* ---- the canvas ---- */

function make(svg, {describe, onpick, onmove, path, told, direction}) {
  const layers = ['frames', 'wires', 'lights', 'headers', 'boxes', 'slopes'].map(name => element('svg:g', {class: name}));
  const [frames, wires, lights, headers, boxes, slopes] = layers, scene = element('svg:g', {class: 'scene'}, layers);
  svg.append(arrowHead(), scene);
  let drawing = {items: [], links: [], width: 0, height: 0}, byKey = new Map(), lit = new Set();
  let shown = null, moving = 0, covered = 0, held = false; // what is drawn, the animation, what hides the top, whether to wait
  const camera = {x: 0, y: 0, k: 1}; // the place of the origin on the screen, and the scale
  const looks = new Map();

  const screen = () => ({width: svg.clientWidth || 1, height: svg.clientHeight || 1});
  const look = entry => { if (!looks.has(entry.key)) looks.set(entry.key, describe(entry.item)); return looks.get(entry.key); };
  const world = (x, y) => [(x - camera.x) / camera.k, (y - camera.y) / camera.k];

  /* -- what is on the screen -- */

  function area(margin) {
    const {width, height} = screen(), [left, top] = world(-margin * width, -margin * height), times = (1 + 2 * margin) / camera.k;
    return {left, top, right: left + width * times, bottom: top + height * times};
  }

  const touches = ({x, y, width, height}, a) => x <= a.right && x + width >= a.left && y <= a.bottom && y + height >= a.top;
  const within = (a, b) => a.left >= b.left && a.right <= b.right && a.top >= b.top && a.bottom <= b.bottom;

  function place() {
    if (held) return;
    scene.setAttribute('transform', `translate(${camera.x.toFixed(2)} ${camera.y.toFixed(2)}) scale(${camera.k.toFixed(5)})`);
    const stale = !shown || !within(area(0), shown.area) || camera.k > shown.k * 2 || (shown.plain && camera.k > shown.k * 1.2);
    if (stale) redraw();
  }

  function redraw() {
    const wanted = area(MARGIN), items = drawing.items.filter(entry => touches(entry, wanted));
    const links = drawing.links.filter(entry => touches(entry, wanted)), plain = items.length > READABLE;
    shown = {area: wanted, k: camera.k, plain};
    svg.classList.toggle('plain', plain);
    const visible = ({width, height}) => (width + height) * camera.k > SPECK;
    if (plain) drawPlainly(items.filter(visible), links.filter(visible));
    else drawFully(items, links);
    light();
  }

  function drawFully(items, links) {
    frames.replaceChildren(...items.filter(entry => entry.item.kind === 'open').map(entry => draw(entry, look(entry))));
    boxes.replaceChildren(...items.filter(entry => entry.item.kind !== 'open').map(entry => draw(entry, look(entry))));
    headers.replaceChildren(...items.filter(entry => entry.item.kind === 'open').map(entry => header(entry, look(entry))));
    wires.replaceChildren(...links.map(wire));
    slopes.replaceChildren(...links.map(slope).filter(Boolean));
  }

  function wire({link, points}) {
    const end = link.stub ? null : 'url(#arrow)';
    return element('svg:path', {class: `wire${link.back ? ' back' : ''}`, d: path(points), 'marker-end': end});
  }

  /* What is said of a link stands in the middle of its longest piece. */
  function slope({link, points}) {
    const words = link.stub ? '' : told(link);
    if (!words) return null;
    const long = i => Math.abs(points[i][0] - points[i + 1][0]) + Math.abs(points[i][1] - points[i + 1][1]);
    const i = points.slice(1).reduce((best, _, at) => long(at) > long(best) ? at : best, 0);
    const [x, y] = [0, 1].map(axis => (points[i][axis] + points[i + 1][axis]) / 2);
    return element('svg:text', {class: 'slope', x, y: y + 3.5}, words);
  }

  /* Rectangles of one colour are one path. */
  function drawPlainly(items, links) {
    const paths = new Map();
    for (const entry of items) {
      const {fill, classes} = look(entry), name = `${entry.item.kind} ${entry.item.kind === 'open' ? '' : classes}|${fill || ''}`;
      if (!paths.has(name)) paths.set(name, []);
      paths.get(name).push(`M${entry.x} ${entry.y}h${entry.width}v${entry.height}h${-entry.width}z`);
    }
    const many = [...paths].map(([name, parts]) => {
      const [classes, fill] = name.split('|');
      const body = element('svg:path', {class: 'body', d: parts.join(''), style: fill ? `fill:${fill}` : null});
      return element('svg:g', {class: `item ${classes}`}, body);
    });
    frames.replaceChildren(...many.filter(node => node.classList.contains('open')));
    boxes.replaceChildren(...many.filter(node => !node.classList.contains('open')));
    headers.replaceChildren();
    slopes.replaceChildren();
    const straight = links.map(({points}) => `M${points.map(point => point.join(' ')).join('L')}`);
    wires.replaceChildren(element('svg:path', {class: 'wire', d: straight.join('')}));
  }

  /* The links of what is selected stand above the others. */
  function light() {
    const chosen = lit.size ? drawing.links.filter(({link}) => lit.has(link.source) || lit.has(link.target)) : [];
    lights.replaceChildren(...chosen.slice(0, 2000).map(entry => {
      const made = wire(entry);
      made.classList.add(lit.has(entry.link.source) ? 'outward' : 'inward');
      return made;
    }));
    wires.classList.toggle('dim', chosen.length > 0);
  }

  /* -- the camera -- */

  function moved() { stay(); place(); onmove(camera); }

  /* Some of the drawing stays on the screen. */
  function stay() {
    const {width, height} = screen(), edge = 48;
    camera.x = Math.min(width - edge, Math.max(edge - drawing.width * camera.k, camera.x));
    camera.y = Math.min(height - edge, Math.max(edge - drawing.height * camera.k, camera.y));
  }

  function panBy(dx, dy) { stop(); camera.x += dx; camera.y += dy; moved(); }

  function zoomBy(factor, x = screen().width / 2, y = screen().height / 2) {
    stop();
    const k = Math.min(CLOSEST, Math.max(FARTHEST, camera.k * factor)), ratio = k / camera.k;
    Object.assign(camera, {x: x - (x - camera.x) * ratio, y: y - (y - camera.y) * ratio, k});
    moved();
  }

  function fitting(box, most = 1.25, room = 28) {
    const {width} = screen(), height = screen().height - covered;
    const k = Math.min(most, Math.max(FARTHEST, Math.min((width - 2 * room) / box.width, (height - 2 * room) / box.height)));
    return {x: (width - box.width * k) / 2 - box.x * k, y: covered + (height - box.height * k) / 2 - box.y * k, k};
  }

  function fit(animate = true) { go(fitting({x: 0, y: 0, width: drawing.width || 1, height: drawing.height || 1}), animate); }

  /* The first look: all of it where that is readable, else its top at a readable size. */
  function start() {
    const whole = fitting({x: 0, y: 0, width: drawing.width || 1, height: drawing.height || 1}), {width} = screen();
    const k = Math.min(1, Math.max(0.75, (width - 56) / (drawing.width || 1)));
    if (whole.k < 0.6) Object.assign(whole, {k, x: Math.max(28, (width - drawing.width * k) / 2), y: 28 + covered});
    go(whole, false);
  }

  /* All of it below what now covers the top, if it can be read so. */
  function cover(pixels) {
    covered = pixels;
    const whole = fitting({x: 0, y: 0, width: drawing.width || 1, height: drawing.height || 1});
    if (whole.k >= 0.6) go(whole);
  }

  function go(target, animate = true) {
    stop();
    if (!animate || quiet()) { Object.assign(camera, target); moved(); return; }
    const from = {...camera}, began = performance.now();
    const frame = now => {
      const t = Math.min(1, (now - began) / 200), s = t * (2 - t);
      for (const key of ['x', 'y', 'k']) camera[key] = from[key] + (target[key] - from[key]) * s;
      moving = t < 1 ? requestAnimationFrame(frame) : 0;
      moved();
    };
    moving = requestAnimationFrame(frame);
  }

  function stop() { cancelAnimationFrame(moving); moving = 0; }

  /* Whether an item is well on the screen; of a large one, half a screen of it is enough. */
  function isSeen({x, y, width, height}) {
    const seen = area(-0.03), half = [(seen.right - seen.left) / 2, (seen.bottom - seen.top) / 2];
    const [wide, high] = [Math.min(width, half[0]), Math.min(height, half[1])];
    return x >= seen.left && x + wide <= seen.right && y >= seen.top + covered / camera.k && y + high <= seen.bottom;
  }

  /* Brings an item into sight, if it is not well in sight already; nearer too, if it could not be read, unless told not to. */
  function reveal(key, nearer = true) {
    const entry = byKey.get(key);
    if (!entry) return;
    if (isSeen(entry) && (camera.k >= 0.45 || !nearer)) return;
    const {width, height} = screen(), k = nearer ? Math.max(camera.k, 0.8) : camera.k;
    const middle = entry.y + Math.min(entry.height / 2, (height - covered) / 3 / k);
    go({x: width / 2 - (entry.x + entry.width / 2) * k, y: (height + covered) / 2 - middle * k, k});
  }

  /* -- the reader's hands -- */

  function at(clientX, clientY) {
    const frame = svg.getBoundingClientRect(), [x, y] = world(clientX - frame.left, clientY - frame.top);
    for (let i = drawing.items.length - 1; i >= 0; i--) {
      const entry = drawing.items[i];
      if (touches(entry, {left: x, right: x, top: y, bottom: y})) return {entry, header: onHeader(entry, y)};
    }
    return null;
  }

  const onHeader = ({item, y: top}, y) => (item.kind === 'open' || item.kind === 'folded') && y - top < HEAD;

  const fingers = new Map();
  let travelled = 0;

  svg.addEventListener('pointerdown', event => {
    if (event.button) return;
    svg.setPointerCapture(event.pointerId);
    if (!fingers.size) travelled = 0;
    fingers.set(event.pointerId, [event.clientX, event.clientY]);
  });

  svg.addEventListener('pointermove', event => {
    const last = fingers.get(event.pointerId);
    if (!last) return;
    const now = [event.clientX, event.clientY];
    travelled += Math.hypot(now[0] - last[0], now[1] - last[1]);
    if (fingers.size === 2) pinch(event.pointerId, last, now);
    else if (travelled > STILL) { svg.classList.add('panning'); panBy(now[0] - last[0], now[1] - last[1]); }
    fingers.set(event.pointerId, now);
  });

  function pinch(id, last, now) {
    const other = [...fingers].find(([key]) => key !== id)[1], frame = svg.getBoundingClientRect();
    const before = Math.hypot(last[0] - other[0], last[1] - other[1]), after = Math.hypot(now[0] - other[0], now[1] - other[1]);
    panBy((now[0] - last[0]) / 2, (now[1] - last[1]) / 2);
    if (before > 1) zoomBy(after / before, (now[0] + other[0]) / 2 - frame.left, (now[1] + other[1]) / 2 - frame.top);
  }

  function released(event) {
    if (!fingers.delete(event.pointerId)) return;
    svg.classList.remove('panning');
    if (event.type === 'pointerup' && travelled <= STILL && !fingers.size) onpick(at(event.clientX, event.clientY));
  }
  svg.addEventListener('pointerup', released);
  svg.addEventListener('pointercancel', released);

  svg.addEventListener('wheel', event => {
    event.preventDefault();
    const unit = event.deltaMode === 1 ? 16 : event.deltaMode === 2 ? screen().height : 1, frame = svg.getBoundingClientRect();
    const [dx, dy] = event.shiftKey && !event.deltaX ? [event.deltaY, 0] : [event.deltaX, event.deltaY];
    if (event.ctrlKey || event.metaKey) zoomBy(Math.exp(-dy * unit * 0.004), event.clientX - frame.left, event.clientY - frame.top);
    else panBy(-dx * unit, -dy * unit);
  }, {passive: false});

  if (globalThis.ResizeObserver) new ResizeObserver(() => { shown = null; place(); }).observe(svg);

  /* -- what the page does with it -- */

  /* Shows another level tree. The item `anchor` stays where it is on the screen. */
  function show(level, anchor = null) {
    const before = anchor && byKey.get(anchor);
    const was = before && {x: before.x, y: before.y};
    drawing = flatten(level, direction);
    byKey = new Map(drawing.items.map(entry => [entry.key, entry]));
    const after = anchor && byKey.get(anchor);
    if (was && after) { camera.x += (was.x - after.x) * camera.k; camera.y += (was.y - after.y) * camera.k; }
    refresh();
  }

  function refresh() { looks.clear(); shown = null; place(); }

  /* Draws nothing while several things change. */
  function together(change) {
    held = true;
    change();
    held = false;
    shown = null;
    place();
  }

  function highlight(keys) { lit = new Set(keys); if (!held) light(); }

  return {
    show, refresh, highlight, panBy, zoomBy, fit, start, go, reveal, cover, together, camera,
    has: key => byKey.has(key), items: () => drawing.items, plain: () => Boolean(shown && shown.plain),
  };
}

function arrowHead() {
  return element('svg:defs', null, element('svg:marker', {
    id: 'arrow', viewBox: '0 0 8 8', refX: 7, refY: 4, markerWidth: 7, markerHeight: 7, orient: 'auto', markerUnits: 'userSpaceOnUse',
  }, element('svg:path', {d: 'M1 1 7 4 1 7', class: 'tip'})));
}

wengert.Canvas = {make, flatten};
})();
