// Numbers as texts.

// A probability or another score, four digits after the point; smaller ones in powers of ten.
export function exact(number) {
  if (number !== 0 && Math.abs(number) < 1e-4) return number.toExponential(1);
  return number.toFixed(4);
}

// A share with its sign.
export function signed(number) {
  return `${number < 0 ? "-" : "+"}${exact(Math.abs(number))}`;
}

// A share with its sign, in as few digits as its size allows.
export function brief(number) {
  if (Math.abs(number) < 0.01 && number !== 0) return signed(number);
  return `${number < 0 ? "" : "+"}${number.toFixed(2)}`;
}

export function percent(share) {
  return `${(100 * share).toFixed(1)} %`;
}

export function count(number) {
  return number.toLocaleString("en");
}

// A size in bytes.
export function bytes(number) {
  if (number < 1e3) return `${number} B`;
  const [size, unit] = number < 1e6 ? [1e3, "kB"] : number < 1e9 ? [1e6, "MB"] : [1e9, "GB"];
  return `${(number / size).toFixed(1)} ${unit}`;
}
