import { crc32, deflateSync, inflateSync } from 'node:zlib';

const signature = Buffer.from('89504e470d0a1a0a', 'hex');

interface Pixels {
  width: number;
  height: number;
  /** Three bytes each. */
  rgb: Buffer;
}

/** The same picture with the 256 colours that it has most of: a third of what a browser writes, and no eye sees it in text. */
export function smallPng(png: Buffer): Buffer {
  const { width, height, rgb } = decoded(png);
  const colours = palette(rgb);
  const indexOf = nearest(colours);
  const rows = Buffer.alloc((width + 1) * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) rows[y * (width + 1) + 1 + x] = indexOf(rgb.readUIntBE((y * width + x) * 3, 3));
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 3], 8);
  const table = Buffer.alloc(colours.length * 3);
  for (const [index, colour] of colours.entries()) table.writeUIntBE(colour, index * 3, 3);
  const data = deflateSync(rows, { level: 9 });
  const chunks = [chunk('IHDR', header), chunk('PLTE', table), chunk('IDAT', data), chunk('IEND', Buffer.alloc(0))];
  return Buffer.concat([signature, ...chunks]);
}

function palette(rgb: Buffer): number[] {
  const count = new Map<number, number>();
  for (let at = 0; at < rgb.length; at += 3) {
    const colour = rgb.readUIntBE(at, 3);
    count.set(colour, (count.get(colour) ?? 0) + 1);
  }
  const often = [...count].sort(([, a], [, b]) => b - a);
  return often.slice(0, 256).map(([colour]) => colour);
}

function nearest(colours: number[]): (colour: number) => number {
  const known = new Map(colours.map((colour, index) => [colour, index]));
  const apart = (a: number, b: number) =>
    [16, 8, 0].reduce((sum, by) => sum + (((a >> by) % 256) - ((b >> by) % 256)) ** 2, 0);
  return (colour) => {
    const found = known.get(colour);
    if (found !== undefined) return found;
    const all = colours.map((each) => apart(each, colour));
    const index = all.indexOf(Math.min(...all));
    known.set(colour, index);
    return index;
  };
}

/** Of the kinds of PNG only what a browser writes: 8 bits, RGB or RGBA, not interlaced. */
function decoded(png: Buffer): Pixels {
  const parts = new Map<string, Buffer[]>();
  for (let at = signature.length; at < png.length; at += 12 + png.readUInt32BE(at)) {
    const type = png.toString('latin1', at + 4, at + 8);
    parts.set(type, [...(parts.get(type) ?? []), png.subarray(at + 8, at + 8 + png.readUInt32BE(at))]);
  }
  const header = Buffer.concat(parts.get('IHDR') ?? []);
  const [width, height, size] = [header.readUInt32BE(0), header.readUInt32BE(4), header[9] === 6 ? 4 : 3];
  const bytes = unfiltered(inflateSync(Buffer.concat(parts.get('IDAT') ?? [])), width * size, height, size);
  const rgb = Buffer.alloc(width * height * 3);
  for (let at = 0; at < width * height; at++) bytes.copy(rgb, at * 3, at * size, at * size + 3);
  return { width, height, rgb };
}

function unfiltered(raw: Buffer, row: number, height: number, size: number): Buffer {
  const out = Buffer.alloc(row * height);
  for (let y = 0; y < height; y++) {
    const filter = raw[y * (row + 1)] ?? 0;
    for (let x = 0; x < row; x++) {
      const left = x < size ? 0 : (out[y * row + x - size] ?? 0);
      const up = y === 0 ? 0 : (out[(y - 1) * row + x] ?? 0);
      const corner = x < size || y === 0 ? 0 : (out[(y - 1) * row + x - size] ?? 0);
      out[y * row + x] = (raw[y * (row + 1) + 1 + x] ?? 0) + foreseen(filter, left, up, corner);
    }
  }
  return out;
}

function foreseen(filter: number, left: number, up: number, corner: number): number {
  if (filter < 3) return [0, left, up][filter] ?? 0;
  if (filter === 3) return (left + up) >> 1;
  const [a, b, c] = [Math.abs(up - corner), Math.abs(left - corner), Math.abs(left + up - 2 * corner)];
  if (a <= b && a <= c) return left;
  return b <= c ? up : corner;
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const [size, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  size.writeUInt32BE(data.length);
  sum.writeUInt32BE(crc32(body));
  return Buffer.concat([size, body, sum]);
}
