/* The bar of the stepper: buttons, a slider, and what the step does in words and numbers. */
(function () {
'use strict';
const wengert = globalThis.wengert = globalThis.wengert || {};
const {element} = wengert.Words;

const LINES = 12; // of a step, before it says how many more there are
const PATHS = {
  first: 'M12.5 3.5 6 8l6.5 4.5zM3.5 3.5v9', back: 'M10.5 3.5 4 8l6.5 4.5z', play: 'M4.5 3v10l8-5z', pause: 'M5 3.5v9M11 3.5v9',
  on: 'M5.5 3.5 12 8l-6.5 4.5z', close: 'm4.5 4.5 7 7m0-7-7 7', last: 'M3.5 3.5 10 8l-6.5 4.5zM12.5 3.5v9',
};

function button(id, path, name, key, onclick) {
  return element('button', {id: `step-${id}`, class: 'flat', 'aria-label': name, title: `${name} (${key})`, onclick},
    element('svg:svg', {class: 'icon', viewBox: '0 0 16 16'}, element('svg:path', {d: PATHS[path]})));
}

function build(bar, act) {
  const here = () => Number(document.getElementById('step-range').value);
  bar.replaceChildren(
    element('div', {class: 'controls'},
      button('first', 'first', 'First step', 'Home', () => act.go(0)),
      button('back', 'back', 'Step back', ',', () => act.go(here() - 1)),
      button('play', 'play', 'Play', 'space', act.play),
      button('on', 'on', 'Step on', '.', () => act.go(here() + 1)),
      button('last', 'last', 'Last step', 'End', () => act.go(Infinity)),
      element('input', {id: 'step-range', type: 'range', min: 0, 'aria-label': 'Step', oninput: () => act.go(here())}),
      element('span', {class: 'phase'}), element('output', {class: 'count'}),
      button('close', 'close', 'Stop stepping', 's', act.close)),
    element('div', {class: 'told', 'aria-live': 'polite'}));
}

/* Shows which of how many steps it is, and what is told of it. `act` has go, play and close. The slider stays the same one, so that
 * it can be dragged. */
function draw(bar, {at, count, playing, phase, lines}, act) {
  if (!bar.firstChild) build(bar, act);
  const range = bar.querySelector('#step-range'), play = bar.querySelector('#step-play');
  range.max = count - 1;
  range.value = at;
  play.setAttribute('aria-label', playing ? 'Pause' : 'Play');
  play.querySelector('path').setAttribute('d', playing ? PATHS.pause : PATHS.play);
  Object.assign(bar.querySelector('.phase'), {className: `phase ${phase}`, textContent: phase});
  bar.querySelector('.count').textContent = `${at + 1} of ${count}`;
  bar.querySelector('.told').replaceChildren(...lines.slice(0, LINES).map(text => element('p', null, text)),
    ...(lines.length > LINES ? [element('p', null, `and ${lines.length - LINES} more`)] : []));
}

wengert.Stepper = {draw};
})();
