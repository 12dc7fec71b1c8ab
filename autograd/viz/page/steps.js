/* The steps of a run: forward through the ops in the order of execution, then backward through the same ops from the last to
 * the first, each with the numbers of its part of the chain rule. A recorded Program has its backward ops among its boxes:
 * there every step is a forward one. Knows nothing of how steps are shown.
 */
(function () {
'use strict';
const wengert = globalThis.wengert = globalThis.wengert || {};
const {own, number, gradientNorm} = wengert.Data;
const {float, shape, name} = wengert.Words;
const {howSummed} = wengert.Mathematics;

/* A list of {phase, box}: cheap, however long the run is. What a step says is made by `told`. */
function list(graph) {
  const ops = graph.boxes.filter(box => box.kind === 'op');
  const forward = ops.map(box => ({phase: box.phase, box: box.number}));
  if (ops.some(box => box.phase !== 'forward')) return forward;
  const backward = ops.filter(box => box.wanted && gradientNorm(box) !== null).reverse();
  return forward.concat(backward.map(box => ({phase: 'chain', box: box.number})));
}

/* {title, lines, edges}: the step in words and numbers, and the edges that it goes along. `before` are earlier contributions. */
function told(graph, links, step, before) {
  const box = graph.boxes[step.box];
  return step.phase === 'chain' ? chained(graph, links, box, before) : computed(graph, links, box);
}

function computed(graph, links, box) {
  const edges = links.inputs[box.number], sources = edges.map(edge => graph.boxes[edge.source]);
  const lines = [`${name(box)} = ${box.op}(${sources.map(name).join(', ')})`];
  if (box.value !== null) lines.push(`${box.op}(${sources.map(known).join(', ')}) = ${float(box.value)}`);
  else lines.push(`${sources.map(source => shape(source.shape)).join(', ')} → ${known(box)}${normOf(box.values)}`);
  if (box.error) lines.push(box.error);
  return {lines, edges};
}

const normOf = stats => stats ? `, norm ${float(stats.norm)}` : '';
const known = box => box.value !== null ? float(box.value) : shape(box.shape);

function chained(graph, links, box, before) {
  const edges = links.inputs[box.number].filter(edge => graph.boxes[edge.source].wanted);
  const lines = [];
  if (box.is_output && !before.has(box.number)) {
    lines.push(`${name(box)}.grad = ${box.gradient === null ? `norm ${float(gradientNorm(box))}` : float(box.gradient)}`);
  }
  const sums = new Map();
  for (const edge of edges) {
    const source = graph.boxes[edge.source], from = sums.has(edge.source) ? sums.get(edge.source) : before.get(edge.source);
    const amount = contribution(box, edge);
    lines.push(amount === null ? arrays(own(graph.ops, box.op), box, edge, source) : scalars(box, edge, source, amount, from));
    if (amount !== null) sums.set(edge.source, (from || 0) + amount);
  }
  return {lines, edges};
}

/* What an op adds to the gradient of an input: null unless all of it is scalar. */
function contribution(box, edge) {
  const g = number(box.gradient), slope = number(edge.slope);
  return g === null || slope === null ? null : g * slope;
}

function scalars(box, edge, source, amount, from) {
  const total = from === undefined ? '' : `, in all ${float(from + amount)}`;
  return `${name(source)}.grad += ${float(box.gradient)} * ${float(edge.slope)} = ${float(amount)}${total}`;
}

function arrays(facts, box, edge, source) {
  const norm = gradientNorm(source), summed = howSummed(box.op, facts, source.shape, box.shape);
  const through = `derivative of ${box.op}${edge.name ? ` in ${edge.name}` : ''}`;
  const text = `${name(source)}.grad += ${through}: ${shape(box.shape)} → ${shape(source.shape)}`;
  return text + (norm === null ? '' : `, norm in all ${float(norm)}`) + (summed ? `. ${summed}` : '');
}

/* The gradients of scalars after the steps before `end`: a map from boxes to the sums so far. */
function sums(graph, links, steps, end) {
  const found = new Map();
  for (let i = 0; i < end; i++) {
    if (steps[i].phase !== 'chain') continue;
    const box = graph.boxes[steps[i].box];
    if (box.is_output && !found.has(box.number)) found.set(box.number, number(box.gradient));
    for (const edge of links.inputs[box.number]) {
      const amount = contribution(box, edge);
      if (graph.boxes[edge.source].wanted && amount !== null) found.set(edge.source, (found.get(edge.source) || 0) + amount);
    }
  }
  return found;
}

/* What has happened before and in step `at`: the boxes that have values, and those whose gradients have begun. */
function reached(graph, links, steps, at) {
  const valued = new Set(), graded = new Set();
  graph.boxes.forEach(box => { if (box.kind !== 'op') valued.add(box.number); });
  steps.slice(0, at + 1).forEach(step => {
    if (step.phase !== 'chain') { valued.add(step.box); return; }
    graded.add(step.box);
    links.inputs[step.box].forEach(edge => { if (graph.boxes[edge.source].wanted) graded.add(edge.source); });
  });
  return {valued, graded, backward: steps[at].phase === 'chain'};
}

wengert.Steps = {list, told, sums, reached, contribution};
})();
