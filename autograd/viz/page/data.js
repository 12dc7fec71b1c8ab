/* Reads the graph that html.py put into the page, and makes what the page asks of it: the inputs and uses of a box, what stands
 * in a group, sums over groups. Stands on nothing; knows nothing of pictures. A number may be text: "nan", "inf" or "-inf".
 */
(function () {
'use strict';
const wengert = globalThis.wengert = globalThis.wengert || {};

async function read(element) {
  if (element.type === 'application/json') return JSON.parse(element.textContent);
  const bytes = Uint8Array.from(atob(element.textContent), letter => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate'));
  return JSON.parse(await new Response(stream).text());
}

/* ---- columns back into rows ---- */

function column(packed, count) {
  if (Array.isArray(packed)) return i => packed[i];
  if ('all' in packed) return () => packed.all;
  if ('at' in packed) return i => packed.table[packed.at[i]];
  const stats = rows(packed.stats), placed = new Array(count).fill(null);
  packed.where.forEach((place, i) => { placed[place] = stats[i]; });
  return i => placed[i];
}

function rows(packed) {
  const names = Object.keys(packed.columns);
  const columns = names.map(name => column(packed.columns[name], packed.count));
  return Array.from({length: packed.count}, (_, i) => {
    const row = {};
    names.forEach((name, j) => { row[name] = columns[j](i); });
    return row;
  });
}

function unpack(packed) {
  const numbered = list => list.map((row, number) => Object.assign(row, {number}));
  return {
    ...packed,
    boxes: numbered(rows(packed.boxes)),
    edges: rows(packed.edges),
    groups: numbered(rows(packed.groups)),
  };
}

/* ---- what hangs together ---- */

function index(graph) {
  const inputs = graph.boxes.map(() => []), uses = graph.boxes.map(() => []);
  graph.edges.forEach(edge => { inputs[edge.target].push(edge); uses[edge.source].push(edge); });
  inputs.forEach(edges => edges.sort((a, b) => a.slot - b.slot));
  const children = graph.groups.map(() => []), members = graph.groups.map(() => []);
  graph.groups.forEach(group => { if (group.parent !== null) children[group.parent].push(group.number); });
  graph.boxes.forEach(box => { if (box.group !== null) members[box.group].push(box.number); });
  return {inputs, uses, children, members};
}

/* The groups around a group, from itself outwards. */
function around(graph, number) {
  const found = [];
  for (let at = number; at !== null && at !== undefined; at = graph.groups[at].parent) found.push(at);
  return found;
}

/* The boxes in a group and in all groups in it. */
function inside(links, number) {
  const found = [], waiting = [number];
  while (waiting.length) {
    const group = waiting.pop();
    for (const box of links.members[group]) found.push(box);
    for (const child of links.children[group]) waiting.push(child);
  }
  return found.sort((a, b) => a - b);
}

/* What stands in an object under a name: an op may be called "constructor", which every object has something under. */
const own = (object, name) => Object.hasOwn(object, name) ? object[name] : null;

/* ---- numbers ---- */

function number(given) {
  if (given === null || given === undefined) return null;
  return {nan: NaN, inf: Infinity, '-inf': -Infinity}[given] ?? given;
}

/* The norm of the gradient of a box, null where none is known. */
function gradientNorm(box) {
  return box.gradients ? number(box.gradients.norm) : box.gradient === null ? null : Math.abs(number(box.gradient));
}

function sum(boxes, measure) {
  let total = null;
  for (const box of boxes) {
    const value = measure(box);
    if (value !== null && value !== undefined) total = (total || 0) + value;
  }
  return total;
}

wengert.Data = {read, unpack, index, around, inside, own, number, gradientNorm, sum};
})();
