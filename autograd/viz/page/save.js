/* Saves what is seen with its legend, as SVG that stands alone and as PNG drawn from it. What is saved is read from the page, so
 * that it is what the reader sees, dark or light. Knows no graph.
 */
(function () {
'use strict';
const wengert = globalThis.wengert = globalThis.wengert || {};
const {element} = wengert.Words;

/* The foot of the page, the caption and the legend, as it stands on the screen: drawn anew, because only SVG goes into SVG. */
function foot(top) {
  const frame = document.querySelector('footer').getBoundingClientRect();
  const made = element('svg:g', {transform: `translate(0 ${top})`});
  const place = node => {
    const {left, top: y, width, height} = node.getBoundingClientRect();
    return {x: left - frame.left, y: y - frame.top, width, height};
  };
  for (const node of document.querySelectorAll('.swatch i')) made.append(swatch(place(node), getComputedStyle(node)));
  for (const node of document.querySelectorAll('.scale div')) {
    made.append(...scale(place(node), getComputedStyle(node).backgroundImage));
  }
  for (const node of document.querySelectorAll('.swatch, .scale span, .scale figcaption')) {
    const {x, y, width, height} = place(node);
    const style = 'text-anchor:end;font-size:12px';
    made.append(element('svg:text', {x: x + width, y: y + height / 2 + 4, style}, node.textContent));
  }
  return made;
}

const swatch = (box, {backgroundColor, borderTopColor, borderTopStyle}) => element('svg:rect', {
  ...box, rx: 3, fill: backgroundColor, stroke: borderTopColor, 'stroke-dasharray': borderTopStyle === 'solid' ? null : '2 2',
});

function scale({x, y, width, height}, background) {
  const colours = background.match(/rgb\([^)]*\)/g) || [], wide = width / colours.length;
  return colours.map((fill, i) => element('svg:rect', {x: x + i * wide, y, width: wide + 0.5, height, fill}));
}

const KEPT = new Set(['class', 'xmlns']); // of the attributes of the canvas

/* The text of an SVG file: what the canvas shows now, with its style, in plain colours, which other programs read too. */
function svg(canvas, title) {
  const {width, height} = size(canvas), {height: top} = canvas.getBoundingClientRect();
  const copy = canvas.cloneNode(true);
  for (const {name} of [...copy.attributes]) if (!KEPT.has(name)) copy.removeAttribute(name);
  copy.setAttribute('width', width);
  copy.setAttribute('height', height);
  copy.setAttribute('viewBox', `0 0 ${width} ${height}`);
  const style = element('svg:style', null, resolved(document.getElementById('drawing').textContent));
  const paper = element('svg:rect', {width: '100%', height: '100%', fill: variable('--paper')});
  copy.prepend(element('svg:title', null, title), style, paper);
  copy.append(element('svg:rect', {y: top, width, height: height - top, fill: variable('--paper')}), foot(top));
  copy.querySelectorAll('[style]').forEach(node => node.setAttribute('style', resolved(node.getAttribute('style'))));
  copy.querySelectorAll('[fill^="var"]').forEach(node => node.setAttribute('fill', resolved(node.getAttribute('fill'))));
  return `<?xml version="1.0" encoding="UTF-8"?>\n${new XMLSerializer().serializeToString(copy)}\n`;
}

/* Of the picture: the canvas and the foot below it. */
function size(canvas) {
  const {width, height} = canvas.getBoundingClientRect(), frame = document.querySelector('footer').getBoundingClientRect();
  return {width: Math.max(width, frame.width), height: height + frame.height};
}

const variable = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/* Custom properties are for browsers: their values stand in the file. */
function resolved(css) {
  return css.replace(/:root[^{]*\{[^}]*\}/g, '').replace(/var\((--[\w-]+)\)/g, (_, name) => variable(name));
}

/* A canvas with the picture, twice as fine as the screen shows it. */
async function bitmap(text, width, height, scale = 2) {
  const image = new Image();
  await new Promise((done, failed) => {
    image.onload = done;
    image.onerror = () => failed(new Error('The picture could not be drawn.'));
    image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`;
  });
  const made = element('canvas', {width: Math.round(width * scale), height: Math.round(height * scale)});
  made.getContext('2d').drawImage(image, 0, 0, made.width, made.height);
  return made;
}

/* The picture as a file in the format, "svg" or "png". */
async function picture(canvas, title, format) {
  const text = svg(canvas, title);
  if (format === 'svg') return new Blob([text], {type: 'image/svg+xml'});
  const {width, height} = size(canvas);
  const drawn = await bitmap(text, width, height);
  return new Promise(done => drawn.toBlob(done, 'image/png'));
}

function address(file) {
  return new Promise(done => {
    const reader = new FileReader();
    reader.onload = () => done(reader.result);
    reader.readAsDataURL(file);
  });
}

/* Whether downloads are refused: a frame in an origin of its own is in a sandbox. */
const confined = () => globalThis.self !== globalThis.top && globalThis.origin === 'null';

function download(file, name) {
  const url = URL.createObjectURL(file), link = element('a', {href: url, download: name});
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 60000);
}

function fileName(title, format) {
  const safe = title.replace(/[^\p{L}\p{N}_-]+/gu, '-').replace(/^-+|-+$/g, '').slice(0, 60);
  return `${safe || 'graph'}.${format}`;
}

wengert.Save = {svg, picture, address, confined, download, fileName};
})();
