/* Search by op, name, module, shape and dtype. Every word has to be found, and at least one in the box's or the group's own text:
 * the path of a module finds the module, and with a word more what is in it.
 */
(function () {
'use strict';
const wengert = globalThis.wengert = globalThis.wengert || {};

/* Shapes are written in many ways: 8x16, 8 × 16, (8, 16). */
const plain = text => text.toLowerCase().replace(/\s*[×*]\s*/g, 'x').replace(/[(),\s]+/g, ' ').trim();

/* Of each group and box its key, its own text, and the text around it. */
function index(graph) {
  const groups = graph.groups.map(group => ({key: `g${group.number}`, own: plain(`${group.path} ${group.kind}`), path: ''}));
  const boxes = graph.boxes.map(box => ({
    key: `b${box.number}`,
    own: plain([box.op, box.name, box.kind, box.dtype, box.shape.join('x'), box.shape.join(' '), ...box.marks].join(' ')),
    path: box.group === null ? '' : graph.groups[box.group].path.toLowerCase(),
  }));
  return [...groups, ...boxes];
}

const words = query => plain(query).split(' ').filter(Boolean);

/* The keys of what the query finds. */
function find(texts, query) {
  const wanted = words(query);
  const matches = ({own, path}) => wanted.some(word => own.includes(word))
    && wanted.every(word => own.includes(word) || path.includes(word));
  return wanted.length ? texts.filter(matches).map(({key}) => key) : [];
}

wengert.Search = {index, find, words};
})();
