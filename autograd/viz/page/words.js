/* Numbers, shapes and names as the page writes them, and a short way to make elements. All text of a graph goes in as text,
 * never as HTML: a label can say what it likes.
 */
(function () {
'use strict';
const wengert = globalThis.wengert = globalThis.wengert || {};
const {number} = wengert.Data;

/* Five digits, and always with a point or an exponent: 2.0, 0.33333, 1.5e-9. */
function float(given, digits = 5) {
  const x = number(given);
  if (x === null) return '–';
  if (!Number.isFinite(x)) return Number.isNaN(x) ? 'nan' : x > 0 ? 'inf' : '-inf';
  const size = Math.abs(x);
  let text = x !== 0 && (size < 1e-3 || size >= 1e6) ? exponential(x, digits) : String(Number(x.toPrecision(digits)));
  if (/^-?\d+$/.test(text)) text += '.0';
  return text;
}

function exponential(x, digits) {
  const [head, tail] = x.toExponential(digits - 1).split('e');
  return `${Number(head)}e${Number(tail)}`;
}

const integer = n => n.toLocaleString('en-US');
const shape = sizes => sizes.length ? sizes.join(' × ') : 'scalar';

function scaled(x, units, step) {
  let i = 0;
  while (i < units.length - 1 && Math.abs(x) >= step) { x /= step; i++; }
  return `${i === 0 && Number.isInteger(x) ? x : Number(x.toPrecision(3))} ${units[i]}`;
}

const bytes = n => scaled(n, ['B', 'KiB', 'MiB', 'GiB', 'TiB'], 1024);
const seconds = s => s >= 1 ? scaled(s, ['s'], 1000) : scaled(s * 1e9, ['ns', 'µs', 'ms', 's'], 1000);
const plural = (n, one, many = `${one}s`) => `${integer(n)} ${n === 1 ? one : many}`;

/* One line for any text: what a browser would not show in a line is shown as a mark. */
const line = text => String(text).replace(/\r?\n/g, ' ⏎ ').replace(/[\u0000-\u001f\u007f]/g, '·');

/* How a box is called in a sentence: by its name, else by its op and number. */
function name(box) {
  return line(box.name || (box.kind === 'op' ? `${box.op}#${box.number}` : `${box.kind}#${box.number}`));
}

const title = box => line(box.kind === 'op' ? box.op : box.name || box.kind);

/* element('p', {class: 'x', onclick: f}, 'text', child, ...): an element of HTML; with a colon, svg:rect, of SVG. */
function element(tag, properties, ...children) {
  const made = tag.startsWith('svg:')
    ? document.createElementNS('http://www.w3.org/2000/svg', tag.slice(4)) : document.createElement(tag);
  for (const [key, value] of Object.entries(properties || {})) {
    if (key.startsWith('on')) made.addEventListener(key.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) made.setAttribute(key, value === true ? '' : value);
  }
  made.append(...children.flat(Infinity).filter(child => child !== null && child !== undefined && child !== ''));
  return made;
}

wengert.Words = {float, integer, shape, bytes, seconds, plural, line, name, title, element};
})();
