/* What the fragment of the address says: names and values as in a query, and numbers of groups as ranges. Anything may stand in
 * an address: what makes no sense is left out.
 */
(function () {
'use strict';
const wengert = globalThis.wengert = globalThis.wengert || {};

/* Numbers in order as ranges: 0-3.7.9-12. */
function ranges(numbers) {
  const found = [];
  for (const n of numbers) {
    const last = found[found.length - 1];
    if (last && last[1] === n - 1) last[1] = n;
    else found.push([n, n]);
  }
  return found.map(([a, b]) => a === b ? a : `${a}-${b}`).join('.');
}

/* The numbers below `end` in such ranges. */
function numbers(text, end) {
  return text.split('.').filter(part => /^\d+(-\d+)?$/.test(part)).flatMap(part => {
    const [from, to] = part.split('-').map(Number);
    return Array.from({length: Math.max(0, Math.min(to ?? from, end - 1) - from + 1)}, (_, i) => from + i);
  });
}

const read = () => new URLSearchParams(location.hash.slice(1));

/* A whole number that is not negative, else null. */
const whole = text => /^\d{1,9}$/.test(text || '') ? Number(text) : null;

/* Whether it could be written: a sandboxed frame has no address of its own. */
function write(parts) {
  try {
    history.replaceState(null, '', `#${parts}`);
    return true;
  } catch (error) {
    if (error.name !== 'SecurityError') throw error;
    return false;
  }
}

wengert.Address = {ranges, numbers, read, whole, write};
})();
