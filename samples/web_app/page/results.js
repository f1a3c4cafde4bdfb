// Reads results and compares them: values in, values out; no page, no network.

/** The objects or classes of a result, best first: {label, score, box?, polygons?}. */
export function findings(result) {
  const found = result.objects ?? result.labels.map((label, i) => ({ label, score: result.probs[i] }));
  return [...found].sort((a, b) => b.score - a.score);
}

/** Left, top, width and height in pixels of the upright image. A box comes as [left, top, right, bottom], 0 to 1. */
export function pixels(box, [width, height]) {
  const [left, top, right, bottom] = box;
  return { x: left * width, y: top * height, width: (right - left) * width, height: (bottom - top) * height };
}

/** The outline as an SVG path in pixels; read even-odd, so that holes are holes. */
export function outline(polygons, [width, height]) {
  return polygons.map((flat) => {
    const points = [];
    for (let i = 0; i + 1 < flat.length; i += 2) points.push(`${flat[i] * width} ${flat[i + 1] * height}`);
    return `M${points.join("L")}Z`;
  }).join("");
}

/** How many findings two results share: the same label, and for boxes an overlap of at least one half. */
export function compared(first, second) {
  const left = [...second];
  let both = 0;
  for (const one of first) {
    const at = left.findIndex((other) => other.label === one.label && (!one.box || overlap(one.box, other.box) >= 0.5));
    if (at >= 0) { both += 1; left.splice(at, 1); }
  }
  return { both, first: first.length - both, second: left.length };
}

function overlap(a, b) {
  const width = Math.min(a[2], b[2]) - Math.max(a[0], b[0]);
  const height = Math.min(a[3], b[3]) - Math.max(a[1], b[1]);
  if (width <= 0 || height <= 0) return 0;
  const area = (box) => (box[2] - box[0]) * (box[3] - box[1]);
  return (width * height) / (area(a) + area(b) - width * height);
}

/**
 * A color for each label, the one that drawings have: a label has a place in the palette by its name, and where two have the
 * same place, the later one by the alphabet moves on to the next free one.
 */
export function colorsOf(labels, palette) {
  const [colors, free, moved] = [new Map(), new Set(palette.keys()), []];
  const take = (label, place) => { free.delete(place); colors.set(label, palette[place]); };
  for (const label of [...new Set(labels)].sort(byCodePoints)) {
    const place = crc32(label) % palette.length;
    if (free.has(place)) take(label, place); else moved.push(label);
  }
  for (const label of moved) {
    const start = crc32(label) % palette.length;
    const after = (place) => (place - start + palette.length) % palette.length;
    take(label, [...free].sort((a, b) => after(a) - after(b))[0] ?? start);
  }
  return colors;
}

function byCodePoints(first, second) {
  const [a, b] = [[...first], [...second]].map((letters) => letters.map((letter) => letter.codePointAt(0)));
  const at = a.findIndex((point, i) => point !== b[i]);
  return at < 0 ? a.length - b.length : a[at] - (b[at] ?? -1);
}

function crc32(text) {
  let sum = -1;
  for (const byte of new TextEncoder().encode(text)) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit += 1) sum = (sum >>> 1) ^ (sum & 1 ? 0xedb88320 : 0);
  }
  return ~sum >>> 0;
}
