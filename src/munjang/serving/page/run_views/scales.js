// Scales of charts: from values to pixels, round numbers on the axes, numbers as texts.

import { count, exact } from "../numbers.js";

const compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 2 });

// The function from values between the least and the largest to pixels, and both ends.
export function scale(values, from, to, padding = 0) {
  let low = values.reduce((one, other) => Math.min(one, other), Infinity);
  let high = values.reduce((one, other) => Math.max(one, other), -Infinity);
  if (low === high) {
    const around = Math.abs(low) / 10 || 1;
    [low, high] = [low - around, high + around];
  } else {
    const more = padding * (high - low);
    [low, high] = [low - more, high + more];
  }
  const at = (value) => from + (to - from) * ((value - low) / (high - low));
  return { at, low, high };
}

// About `number` round values between two ends.
export function ticks({ low, high }, number) {
  const rough = (high - low) / number;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((factor) => factor * power >= rough);
  const found = [];
  for (let place = Math.ceil(low / step); place * step <= high && found.length < 20; place++) {
    found.push(Number((place * step).toPrecision(12)));
  }
  return found;
}

// A step, or seconds.
export function axisNumber(x) {
  return Number.isInteger(x) ? count(x) : count(Number(x.toFixed(1)));
}

export function tickNumber(value) {
  const size = Math.abs(value);
  if (size >= 10_000) return compact.format(value);
  if (size !== 0 && size < 0.001) return value.toExponential();
  return String(value);
}

export function valueNumber(y) {
  return Math.abs(y) < 1000 ? exact(y) : tickNumber(Number(y.toPrecision(5)));
}

// The place of the value nearest to x in ascending values.
export function nearest(xs, x) {
  let low = 0;
  let high = xs.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (xs[middle] < x) low = middle + 1;
    else high = middle;
  }
  return low > 0 && x - xs[low - 1] <= xs[low] - x ? low - 1 : low;
}
