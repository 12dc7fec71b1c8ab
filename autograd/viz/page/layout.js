/* Where everything stands: layout.py in JavaScript, line for line, with the same operations in the same order, so that all
 * coordinates are equal; a test holds that. `Layout.place(level, direction)` fills x, y, width, height and points.
 */
(function () {
'use strict';
const wengert = globalThis.wengert = globalThis.wengert || {};

const HEAD = 30, PAD = 18, GAP = 24, NARROW = 12, RANK_GAP = 30, RIGHT_GAP = 40, APART = 40, SWEEPS = 12, TRUNKS = 20000;

function place(level, direction = 'down') {
  const levels = [level];
  for (let i = 0; i < levels.length; i++) for (const item of levels[i].items) if (item.inner) levels.push(item.inner);
  for (let i = levels.length - 1; i >= 0; i--) placeOne(levels[i], direction === 'right');
}

function path(points, direction = 'down') {
  let [x, y] = points[0], text = `M${x},${y}`;
  for (let i = 1; i < points.length; i++) {
    const [u, v] = points[i];
    if (direction === 'down' && u === x) text += `V${v}`;
    else if (direction === 'right' && v === y) text += `H${u}`;
    else if (direction === 'down') text += `C${x},${(y + v) / 2} ${u},${(y + v) / 2} ${u},${v}`;
    else text += `C${(x + u) / 2},${y} ${(x + u) / 2},${v} ${u},${v}`;
    [x, y] = [u, v];
  }
  return text;
}

function makePart(items, arcs) {
  return {
    items, arcs, rank: [], layers: [], wide: [], high: [], small: [], made: [], above: [], below: [], across: [], tops: [], bottoms: [],
    gap: RANK_GAP, left: 0, top: 0, width: 0, height: 0,
  };
}

function placeOne(level, sideways) {
  for (const item of level.items) if (item.inner) frame(item, item.inner);
  const arcs = arcsOf(level, sideways);
  turnBack(level.items.length, arcs);
  const parts = partsOf(level.items, arcs);
  for (const part of parts) layOut(part, level.items, sideways);
  const [width, height] = pack(parts, level.items);
  write(level, parts, sideways, width, height);
}

function frame(item, inner) {
  item.width = Math.max(item.width, inner.width + 2 * PAD);
  item.height = inner.height + HEAD + PAD;
  inner.x = (item.width - inner.width) / 2;
  inner.y = HEAD;
}

function arcsOf(level, sideways) {
  const number = new Map(level.items.map((item, i) => [item.key, i])), ports = new Map();
  for (const item of level.items) {
    if (item.inner) ports.set(item.key, new Map(item.inner.items.filter(port => port.kind === 'port').map(port => [port.key, port])));
  }
  return level.links.map(link => {
    const source = number.get(link.source), target = number.get(link.target);
    const leaves = shiftOf(level.items[source], ports, link.value, sideways), arrives = shiftOf(level.items[target], ports, link.value, sideways);
    return {link, source, target, leaves, arrives, via: []};
  });
}

function shiftOf(item, ports, value, sideways) {
  if (!item.inner) return 0;
  const port = ports.get(item.key).get(`p${item.number}.${value}`);
  if (sideways) return item.inner.y + port.y + port.height / 2 - item.height / 2;
  return item.inner.x + port.x + port.width / 2 - item.width / 2;
}

/* ---------------------------------------------------------------- directions */

function turnBack(n, arcs) {
  for (const arc of arcs) arc.link.back = false;
  const circle = circles(n, arcs);
  for (const arc of arcs) {
    if (circle[arc.source] === circle[arc.target] && arc.source > arc.target) {
      arc.link.back = true;
      [arc.source, arc.target, arc.leaves, arc.arrives] = [arc.target, arc.source, arc.arrives, arc.leaves];
    }
  }
}

function circles(n, arcs) {
  const outward = lists(n), seen = filled(n, -1), low = filled(n, 0), found = filled(n, -1), stack = [];
  for (const arc of arcs) outward[arc.source].push(arc.target);
  let clock = 0;
  for (let start = 0; start < n; start++) {
    if (seen[start] >= 0) continue;
    const trail = [[start, 0]];
    while (trail.length) {
      const [node, from] = trail.pop();
      let i = from, done = true;
      if (i === 0) {
        seen[node] = low[node] = clock++;
        stack.push(node);
      } else if (found[outward[node][i - 1]] < 0) low[node] = Math.min(low[node], low[outward[node][i - 1]]);
      while (i < outward[node].length) {
        const other = outward[node][i++];
        if (seen[other] < 0) {
          trail.push([node, i], [other, 0]);
          done = false;
          break;
        }
        if (found[other] < 0) low[node] = Math.min(low[node], low[other]);
      }
      if (done && low[node] === seen[node]) while (found[node] < 0) found[stack.pop()] = node;
    }
  }
  return found;
}

function filled(n, value) { return new Array(n).fill(value); }
function lists(n) { return Array.from({length: n}, () => []); }

function partsOf(items, arcs) {
  const beside = lists(items.length), ports = [];
  for (const arc of arcs) {
    beside[arc.source].push(arc.target);
    beside[arc.target].push(arc.source);
  }
  items.forEach((item, i) => { if (item.kind === 'port') ports.push(i); });
  for (const port of ports.slice(1)) {
    beside[ports[0]].push(port);
    beside[port].push(ports[0]);
  }
  const partOf = filled(items.length, -1), members = [];
  for (const start of [...ports.slice(0, 1), ...items.keys()]) {
    if (partOf[start] >= 0) continue;
    partOf[start] = members.length;
    const found = [start];
    for (let i = 0; i < found.length; i++) {
      for (const other of beside[found[i]]) {
        if (partOf[other] < 0) {
          partOf[other] = members.length;
          found.push(other);
        }
      }
    }
    members.push(found.sort((a, b) => a - b));
  }
  const theirs = lists(members.length);
  for (const arc of arcs) theirs[partOf[arc.source]].push(arc);
  return members.map((found, i) => makePart(found, theirs[i]));
}

/* ---------------------------------------------------------------- ranks */

function layOut(part, items, sideways) {
  const placeOf = new Map(part.items.map((item, i) => [item, i]));
  for (const arc of part.arcs) [arc.source, arc.target] = [placeOf.get(arc.source), placeOf.get(arc.target)];
  for (const i of part.items) {
    const item = items[i];
    part.wide.push(sideways ? item.height : item.width);
    part.high.push(sideways ? item.width : item.height);
    part.small.push(item.kind === 'chip' || item.kind === 'port');
    part.made.push(item.made);
  }
  part.gap = sideways ? RIGHT_GAP : RANK_GAP;
  rankPart(part, part.items.map(i => items[i]));
  makeTrunks(part);
  orderPart(part);
  coordinates(part);
}

function rankPart(part, items) {
  const n = items.length, outward = lists(n), incoming = filled(n, 0);
  for (const arc of part.arcs) {
    outward[arc.source].push(arc.target);
    incoming[arc.target] += 1;
  }
  const waiting = incoming.slice(), held = incoming.slice(), rank = filled(n, 0), order = [];
  for (let i = 0; i < n; i++) if (!incoming[i]) order.push(i);
  for (let i = 0; i < order.length; i++) {
    const node = order[i];
    for (const other of outward[node]) {
      rank[other] = Math.max(rank[other], rank[node] + 1);
      if (!--waiting[other]) order.push(other);
    }
  }
  const last = rank.reduce((a, b) => Math.max(a, b), 0);
  for (const {source, target} of part.arcs) {
    if (!incoming[source] && outward[source].length === 1 && items[source].kind !== 'port') held[target] -= 1;
  }
  for (let i = order.length - 1; i >= 0; i--) {
    const node = order[i];
    if (items[node].kind === 'port') rank[node] = items[node].enters ? 0 : last;
    else if (outward[node].length && held[node] <= outward[node].length) {
      rank[node] = outward[node].reduce((least, other) => Math.min(least, rank[other]), Infinity) - 1;
    }
  }
  const used = new Map([...new Set(rank)].sort((a, b) => a - b).map((one, i) => [one, i]));
  part.rank = rank.map(one => used.get(one));
}

function makeTrunks(part) {
  const n = part.items.length, reach = new Map(), trunks = new Map();
  part.above = lists(n);
  part.below = lists(n);
  const name = arc => `${arc.source} ${arc.leaves}`;
  for (const arc of part.arcs) {
    const found = reach.get(name(arc)) || {source: arc.source, leaves: arc.leaves, rank: 0};
    found.rank = Math.max(found.rank, part.rank[arc.target]);
    reach.set(name(arc), found);
  }
  let budget = TRUNKS;
  const span = one => one.rank - part.rank[one.source];
  for (const one of [...reach.values()].sort((a, b) => span(a) - span(b) || a.source - b.source || a.leaves - b.leaves)) {
    budget -= span(one) - 1;
    if (budget >= 0) trunks.set(name(one), []);
  }
  for (const arc of part.arcs) {
    const far = part.rank[arc.target] - part.rank[arc.source], trunk = trunks.get(name(arc));
    if (!trunk && far > 1) continue;
    while (trunk && trunk.length < far - 1) lengthen(part, trunk, arc);
    arc.via = trunk ? trunk.slice(0, far - 1) : [];
    const [before, leaves] = arc.via.length ? [arc.via[arc.via.length - 1], 0] : [arc.source, arc.leaves];
    part.below[before].push([arc.target, arc.arrives, leaves]);
    part.above[arc.target].push([before, leaves, arc.arrives]);
  }
}

function lengthen(part, trunk, arc) {
  const node = part.wide.length, [before, leaves] = trunk.length ? [trunk[trunk.length - 1], 0] : [arc.source, arc.leaves];
  part.wide.push(0);
  part.high.push(0);
  part.small.push(true);
  part.made.push(part.made[before]);
  part.rank.push(part.rank[before] + 1);
  part.above.push([[before, leaves, 0]]);
  part.below.push([]);
  part.below[before].push([node, 0, leaves]);
  trunk.push(node);
}

/* ---------------------------------------------------------------- order */

function orderPart(part) {
  firstOrder(part);
  const position = filled(part.wide.length, 0), copy = () => part.layers.map(layer => layer.slice());
  for (const layer of part.layers) layer.forEach((node, i) => { position[node] = i; });
  let best = copy(), fewest = crossings(part, position), idle = 0;
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    if (!fewest || idle === 4) break;
    const down = sweep % 2 === 0;
    for (const layer of down ? part.layers : part.layers.slice().reverse()) byBarycentre(layer, down ? part.above : part.below, position);
    const now = crossings(part, position);
    idle += 1;
    if (now < fewest) [best, fewest, idle] = [copy(), now, 0];
  }
  part.layers = best;
}

function firstOrder(part) {
  const n = part.items.length, seen = filled(part.wide.length, false);
  part.layers = lists(part.rank.reduce((a, b) => Math.max(a, b), 0) + 1);
  for (const start of Array.from({length: n}, (_, i) => i).sort((a, b) => part.rank[a] - part.rank[b] || a - b)) {
    const stack = [start];
    while (stack.length) {
      const node = stack.pop();
      if (seen[node]) continue;
      seen[node] = true;
      part.layers[part.rank[node]].push(node);
      for (let i = part.below[node].length - 1; i >= 0; i--) if (!seen[part.below[node][i][0]]) stack.push(part.below[node][i][0]);
    }
  }
}

function byBarycentre(layer, beside, position) {
  const moved = [];
  for (const node of layer) {
    if (!beside[node].length) continue;
    let total = 0;
    for (const [other] of beside[node]) total += position[other];
    moved.push([total / beside[node].length, position[node], node]);
  }
  moved.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  let next = 0;
  layer.forEach((node, i) => { if (beside[node].length) layer[i] = moved[next++][2]; });
  layer.forEach((node, i) => { position[node] = i; });
}

function crossings(part, position) {
  let total = 0;
  for (const layer of part.layers.slice(0, -1)) {
    const found = [];
    for (const node of layer) for (const end of part.below[node].map(([other]) => position[other]).sort((a, b) => a - b)) found.push(end);
    if (found.length > 1) total += inversions(found);
  }
  return total;
}

function inversions(found) {
  const size = found.reduce((a, b) => Math.max(a, b), 0) + 1, counts = filled(size + 1, 0);
  let total = 0;
  found.forEach((end, seen) => {
    let smaller = 0;
    for (let i = end + 1; i > 0; i -= i & -i) smaller += counts[i];
    total += seen - smaller;
    for (let i = end + 1; i <= size; i += i & -i) counts[i] += 1;
  });
  return total;
}

/* ---------------------------------------------------------------- coordinates */

function coordinates(part) {
  const crossing = crossingTrunks(part), found = [];
  for (const up of [true, false]) for (const left of [true, false]) found.push(oneSide(part, crossing, up, left));
  const edges = found.map(xs => extent(part, xs));
  let narrowest = 0;
  for (let i = 1; i < 4; i++) if (edges[i][1] - edges[i][0] < edges[narrowest][1] - edges[narrowest][0]) narrowest = i;
  edges.forEach(([low, high], i) => {
    const shift = i % 2 === 0 ? edges[narrowest][0] - low : edges[narrowest][1] - high;
    found[i] = found[i].map(x => x + shift);
  });
  for (let node = 0; node < part.wide.length; node++) {
    const four = found.map(xs => xs[node]).sort((a, b) => a - b);
    part.across.push(Math.floor((four[1] + four[2]) / 2 + 0.5));
  }
  const [low, high] = extent(part, part.across);
  part.across = part.across.map(x => x - low);
  part.width = high - low;
  depths(part);
}

function extent(part, xs) {
  let low = Infinity, high = -Infinity;
  xs.forEach((x, node) => {
    low = Math.min(low, x - part.wide[node] / 2);
    high = Math.max(high, x + part.wide[node] / 2);
  });
  return [low, high];
}

function isTrunk(part, node) { return node >= part.items.length; }

function crossingTrunks(part) {
  const crossing = new Set(), n = part.wide.length, position = filled(n, 0);
  for (const layer of part.layers) layer.forEach((node, i) => { position[node] = i; });
  for (let k = 0; k + 1 < part.layers.length; k++) {
    const upper = part.layers[k], lower = part.layers[k + 1];
    let left = 0, scanned = 0;
    for (let i = 0; i < lower.length; i++) {
      const node = lower[i];
      let trunk = -1;
      if (isTrunk(part, node) && isTrunk(part, part.above[node][0][0])) trunk = position[part.above[node][0][0]];
      if (trunk < 0 && i < lower.length - 1) continue;
      const right = trunk >= 0 ? trunk : upper.length;
      for (const other of lower.slice(scanned, i + 1)) {
        for (const [above] of part.above[other]) {
          const both = isTrunk(part, other) && isTrunk(part, above);
          if (!both && (position[above] < left || position[above] > right)) crossing.add(above * n + other);
        }
      }
      if (trunk >= 0) left = trunk;
      scanned = i + 1;
    }
  }
  return crossing;
}

function oneSide(part, crossing, up, left) {
  let layers = up ? part.layers : part.layers.slice().reverse();
  if (!left) layers = layers.map(layer => layer.slice().reverse());
  const side = left ? 1 : -1, position = filled(part.wide.length, 0);
  for (const layer of layers) layer.forEach((node, i) => { position[node] = i; });
  const {root, shift} = align(part, layers, position, crossing, up, side);
  return compact(part, layers, root, shift).map(x => side * x);
}

function align(part, layers, position, crossing, up, side) {
  const n = part.wide.length, root = Array.from({length: n}, (_, i) => i), shift = filled(n, 0), taken = filled(n, false);
  const [beside, onward] = up ? [part.above, part.below] : [part.below, part.above];
  const kept = onward.map(near => near.reduce((top, [other]) => Math.max(top, weight(part, other)), 0));
  for (const layer of layers.slice(1)) {
    let reached = -1;
    for (const node of layer) {
      if (!beside[node].length) continue;
      const most = beside[node].reduce((top, [other]) => Math.max(top, weight(part, other)), 0);
      const near = beside[node].filter(([other]) => weight(part, other) === most)
        .map(([other, there, here]) => [position[other], there, here, other])
        .sort((a, b) => a[0] - b[0] || a[1] - b[1] || a[2] - b[2] || a[3] - b[3]);
      const middle = near.length - 1;
      for (const i of [Math.floor(middle / 2), Math.floor((middle + 1) / 2)]) {
        const [at, there, here, other] = near[i], pair = up ? other * n + node : node * n + other;
        const free = !taken[other] && weight(part, node) >= kept[other];
        if (free && root[node] === node && reached < at && !crossing.has(pair)) {
          taken[other] = true;
          root[node] = root[other];
          shift[node] = shift[other] + side * (there - here);
          reached = at;
        }
      }
    }
  }
  return {root, shift};
}

function weight(part, node) {
  if (!part.made[node]) return 0;
  return isTrunk(part, node) ? 2 : 1;
}

function compact(part, layers, root, shift) {
  const n = root.length, after = lists(n), waiting = filled(n, 0), order = [], xs = filled(n, 0);
  for (const layer of layers) {
    for (let i = 0; i + 1 < layer.length; i++) {
      const one = layer[i], other = layer[i + 1], gap = part.small[one] || part.small[other] ? NARROW : GAP;
      const apart = part.wide[one] / 2 + part.wide[other] / 2 + gap + shift[one] - shift[other];
      after[root[one]].push([root[other], apart]);
      waiting[root[other]] += 1;
    }
  }
  for (const layer of layers) for (const node of layer) if (root[node] === node && !waiting[node]) order.push(node);
  for (let i = 0; i < order.length; i++) {
    for (const [other, apart] of after[order[i]]) {
      xs[other] = Math.max(xs[other], xs[order[i]] + apart);
      if (!--waiting[other]) order.push(other);
    }
  }
  for (let i = order.length - 1; i >= 0; i--) {
    const node = order[i];
    if (after[node].length) xs[node] = Math.max(xs[node], after[node].reduce((least, [other, apart]) => Math.min(least, xs[other] - apart), Infinity));
  }
  return root.map((one, node) => xs[one] + shift[node]);
}

function depths(part) {
  let depth = 0;
  for (const layer of part.layers) {
    let high = 0, swing = 0;
    for (const node of layer) {
      high = Math.max(high, part.high[node]);
      for (const [other, there, here] of part.below[node]) {
        swing = Math.max(swing, Math.abs(part.across[other] + there - part.across[node] - here));
      }
    }
    part.tops.push(depth);
    part.bottoms.push(depth + high);
    depth += high + part.gap + Math.floor(Math.min(swing, 600) / 20);
  }
  part.height = part.bottoms[part.bottoms.length - 1];
}

/* ---------------------------------------------------------------- together */

function pack(parts, items) {
  if (!parts.length) return [0, 0];
  const main = items.some(item => item.kind === 'port') ? parts.slice(0, 1) : [], rest = parts.slice(main.length);
  const left = main.length && rest.length ? main[0].width + APART : 0;
  let area = 0, widest = 0;
  for (const part of rest) {
    area += (part.width + APART) * (part.height + APART);
    widest = Math.max(widest, part.width);
  }
  const room = Math.max(widest, Math.floor(Math.sqrt(area * 1.5)));
  let x = 0, y = 0, high = 0, width = 0, height = 0;
  for (const part of rest.slice().sort((a, b) => b.height - a.height)) {
    if (x > 0 && x + part.width > room) [x, y, high] = [0, y + high + APART, 0];
    part.left = left + x;
    part.top = y;
    high = Math.max(high, part.height);
    width = Math.max(width, left + x + part.width);
    height = Math.max(height, y + part.height);
    x += part.width + APART;
  }
  for (const part of main) [width, height] = [Math.max(width, part.width), Math.max(height, part.height)];
  return [width, height];
}

function write(level, parts, sideways, width, height) {
  for (const part of parts) {
    part.items.forEach((i, node) => {
      const item = level.items[i], depth = depthOf(part, node, item, height), across = part.left + part.across[node] - part.wide[node] / 2;
      [item.x, item.y] = sideways ? [depth, across] : [across, depth];
    });
    for (const arc of part.arcs) {
      const points = pointsOf(part, arc, level.items, sideways);
      if (arc.link.back) points.reverse();
      arc.link.points = sideways ? points.map(([x, y]) => [y, x]) : points;
    }
  }
  const [wide, high] = [2 * Math.ceil(width / 2), 2 * Math.ceil(height / 2)];
  [level.width, level.height] = sideways ? [high, wide] : [wide, high];
}

function depthOf(part, node, item, height) {
  const top = part.tops[part.rank[node]], bottom = part.bottoms[part.rank[node]];
  if (item.kind === 'port') return item.enters ? 0 : height - part.high[node];
  return part.top + Math.floor((top + bottom - part.high[node]) / 2);
}

function pointsOf(part, arc, items, sideways) {
  const source = items[part.items[arc.source]], target = items[part.items[arc.target]];
  let x = part.left + part.across[arc.source] + arc.leaves;
  const points = [[x, sideways ? source.x + source.width : source.y + source.height]];
  for (const node of arc.via) {
    if (part.left + part.across[node] === x) continue;
    points.push([x, part.top + part.bottoms[part.rank[node] - 1]]);
    x = part.left + part.across[node];
    points.push([x, part.top + part.tops[part.rank[node]]]);
  }
  points.push([x, part.top + part.bottoms[part.rank[arc.target] - 1]]);
  x = part.left + part.across[arc.target] + arc.arrives;
  points.push([x, part.top + part.tops[part.rank[arc.target]]], [x, sideways ? target.x : target.y]);
  const found = points.filter((point, i) => !i || point[0] !== points[i - 1][0] || point[1] !== points[i - 1][1]);
  const last = found.length - 1;
  return found.filter(([x], i) => i === 0 || i === last || found[i - 1][0] !== x || found[i + 1][0] !== x);
}

wengert.Layout = {place, path, HEAD, PAD};
})();
