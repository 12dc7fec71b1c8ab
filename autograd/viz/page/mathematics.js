/* The local derivative of an op, as mathematics where its MathML is sound and as code where there is none, and what became of
 * the gradient of an input that was broadcast. MathML comes in as text and is built anew from the elements listed here.
 */
(function () {
'use strict';
const wengert = globalThis.wengert = globalThis.wengert || {};
const {element, shape} = wengert.Words;
const {own} = wengert.Data;

const MATHML = 'http://www.w3.org/1998/Math/MathML';
const ELEMENTS = new Set(`math mrow mi mn mo mtext mspace msup msub msubsup mfrac msqrt mroot mover munder munderover
  mtable mtr mtd mstyle mpadded mphantom merror mmultiscripts mprescripts none semantics`.split(/\s+/));
const ATTRIBUTES = new Set(`display displaystyle mathvariant stretchy fence separator form lspace rspace accent accentunder
  minsize maxsize columnalign rowspacing columnspacing linethickness width height depth scriptlevel movablelimits
  largeop symmetric intent arg`.split(/\s+/));

/* The element for MathML in text, null where it is none. */
function mathematics(text) {
  if (!/^\s*<math[\s>]/.test(text)) return null;
  const source = /<math[^>]*\sxmlns=/.test(text) ? text : text.replace('<math', `<math xmlns="${MATHML}"`);
  const parsed = new DOMParser().parseFromString(source, 'application/xml');
  if (parsed.getElementsByTagName('parsererror').length) return null;
  return copied(parsed.documentElement, 0);
}

function copied(node, depth) {
  if (node.nodeType === Node.TEXT_NODE) return document.createTextNode(node.data);
  if (node.nodeType !== Node.ELEMENT_NODE || !ELEMENTS.has(node.localName) || depth > 60) return document.createTextNode('');
  const made = document.createElementNS(MATHML, node.localName);
  for (const {name, value} of node.attributes) if (ATTRIBUTES.has(name)) made.setAttribute(name, value);
  for (const child of node.childNodes) made.append(copied(child, depth + 1));
  return made;
}

/* Mathematics where there is some, else the code of the rule. */
function formula(text, code = '') {
  const made = text ? mathematics(text) : null;
  if (made) return element('div', {class: 'formula'}, made);
  return text || code ? element('pre', {class: 'code'}, text && !text.trimStart().startsWith('<') ? text : code || text) : null;
}

/* The derivative of an op with respect to the input that its rule calls `name`. One code may be that of several inputs. */
function derivative(op, name) {
  if (!op) return null;
  const key = Object.keys(op.code).find(names => names.split(', ').includes(name)) || '';
  return formula(own(op.derivatives, name) || '', own(op.code, key) || '');
}

/* The axes of the output over which the gradient of an input was summed, because the input was broadcast; null if it was not. */
function broadcast(from, to) {
  const more = to.length - from.length;
  if (more < 0 || from.some((n, i) => n !== to[i + more] && n !== 1)) return null;
  const axes = to.map((_, i) => i).filter(i => i < more || (from[i - more] === 1 && to[i] !== 1));
  return axes.length ? axes : null;
}

/* What is said of it. Only slopes, ∂y/∂x, belong to ops that broadcast; a product of matrices does, in its leading axes. */
function howSummed(op, facts, from, to) {
  const slopes = facts && Object.values(facts.derivatives).some(text => text.includes('∂'));
  const product = op === 'matmul' && from.length > 1;
  const axes = slopes ? broadcast(from, to) : product ? broadcast(from.slice(0, -2), to.slice(0, -2)) : null;
  if (!axes) return '';
  const over = `${axes.length > 1 ? 'axes' : 'axis'} ${axes.join(', ')}`;
  return `Broadcast from ${shape(from)} to ${shape(to)}: its gradient is summed over ${over}.`;
}

wengert.Mathematics = {mathematics, formula, derivative, broadcast, howSummed};
})();
