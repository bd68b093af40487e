// A whole flash image of docs/protocol.md, "Flash": what the journal in it holds.
//
// In: the image as a Uint8Array, the size of its sectors.
// Out: records in the order of their numbers, acknowledgements, the tail, what was repaired.

import {
  ACK, Bytes, emptyState, FIX, hex, isNumbered, Malformed, must, readRecord, TAIL, unhex,
} from "./records.mjs";
import { stampUntimed } from "./untimed.mjs";

const MAGIC = [0x4c, 0x4b, 0x4a, 0x01];
const LAST = 0x4c;
const HEADER_MIN = 36;
const PAGE_UNIT = 128;
const ID_AT = 6;
const ACKS_AT = 30;
const OLD = 0x72;
const NOTHING = { low: 0, ranges: [] };
const SMALLEST = 5; // bytes of the shortest record with its check
const RANGES_MAX = 8;
const POLY_15 = 0x4599;
const CHECK_MASK = 0x2a5a;

function crc15(crc, bytes) {
  for (const byte of bytes) {
    crc ^= byte << 7;
    for (let i = 0; i < 8; i++) crc = crc & 0x4000 ? (crc << 1) ^ (POLY_15 | 0x8000) : crc << 1;
    crc &= 0x7fff;
  }
  return crc;
}

function crc32(bytes) {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let i = 0; i < 8; i++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  return ~crc >>> 0;
}

/** P and Q of everything in a page before them. */
function parity(bytes) {
  let [p, q] = [0, 0];
  for (const byte of bytes) {
    p ^= byte;
    q = double(q) ^ byte;
  }
  return [p, q];
}

function double(a) {
  return a & 0x80 ? (a << 1) ^ 0x11d : a << 1;
}

/** One header, or null where there is none. */
function readHeader(bytes) {
  const size = bytes[4];
  if (MAGIC.some((byte, i) => bytes[i] !== byte)) return null;
  if (size < HEADER_MIN || size > bytes.length || bytes[size - 1] !== LAST) return null;
  const word = (at) => new DataView(bytes.buffer, bytes.byteOffset).getUint32(at, true);
  if (word(size - 5) !== crc32(bytes.subarray(0, size - 5))) return null;
  const header = {
    size, page_size: bytes[5] * PAGE_UNIT, journal_id: hex(bytes.subarray(ID_AT, ID_AT + 8)),
    generation: word(14), base: word(18), sec_before: word(22), sec_before_next: word(26),
    seed: (crc15(0, bytes.subarray(ID_AT, ID_AT + 8)) ^ word(14)) & 0x7fff,
  };
  header.acked = readAcks(bytes.subarray(ACKS_AT, size - 5), header.base);
  return header;
}

/** What the database has: every number below low, and ranges as [from, to]. */
function readAcks(body, next) {
  try {
    const from = new Bytes(body);
    const low = next - from.varint();
    const ranges = [];
    let at = low;
    while (!from.atEnd()) {
      const lo = at + from.varint();
      at = lo + from.varint() + 1;
      ranges.push([lo, at - 1]);
    }
    must(low >= 0 && at <= next && ranges.length <= RANGES_MAX, "acknowledges too much");
    return { low, ranges };
  } catch (why) {
    if (why instanceof Malformed) return NOTHING;
    throw why;
  }
}

/** What checks in one page. whole: behind it there is only erased flash. */
function readPage(page, header, isFirst) {
  const end = page.length - 2;
  const from = new Bytes(page, isFirst ? header.size : 2, end);
  let seq = header.base + (isFirst ? 0 : page[0] + page[1] * 256);
  let crc = isFirst ? header.seed : crc15(header.seed, page.subarray(0, 2));
  const state = emptyState();
  const records = [];
  let good = from.off;
  try {
    for (;;) {
      const rec = readRecord(from, state);
      crc = crc15(crc, page.subarray(good, from.off));
      const check = crc ^ CHECK_MASK;
      must(from.byte() === (check & 255) && from.byte() === check >> 8, "check");
      good = from.off;
      records.push({ seq, ...rec });
      if (isNumbered(rec)) seq++;
    }
  } catch (why) {
    if (!(why instanceof Malformed)) throw why;
  }
  return { records, whole: page.subarray(good, end).every((byte) => byte === 0xff) };
}

/** Records with numbers of their own: what was kept of a sector that is gone. */
function readOld(body) {
  const from = new Bytes(body);
  const state = emptyState();
  const records = [];
  let seq = from.varint();
  while (!from.atEnd()) {
    if (records.length) seq += from.varint() + 1;
    records.push({ seq, ...readRecord(from, state) });
  }
  return records;
}

/** The page with its one changed byte put right, or null: not sealed, or no such byte. */
function repaired(page) {
  const n = page.length - 2;
  if (page[n] === 0xff && page[n + 1] === 0xff) return null;
  const [p, q] = parity(page.subarray(0, n));
  const [e, f] = [p ^ page[n], q ^ page[n + 1]];
  if (!e || !f) return null;
  let [power, k] = [e, 0];
  while (power !== f && k < n) [power, k] = [double(power), k + 1];
  if (k === n) return null;
  const copy = page.slice();
  copy[n - 1 - k] ^= e;
  return copy;
}

function bestPage(page, header, isFirst) {
  const fixed = repaired(page);
  const found = fixed && readPage(fixed, header, isFirst);
  return found?.whole ? { ...found, repaired: true } : readPage(page, header, isFirst);
}

/** Of each sector the header or null; one damaged byte is put right if its page is sealed. */
function findHeaders(image, sectorSize) {
  const sectors = [];
  for (let at = 0; at + sectorSize <= image.length; at += sectorSize) {
    sectors.push(image.subarray(at, at + sectorSize));
  }
  return [sectors, sectors.map((sector) => readHeader(sector) ?? mendedHeader(sector))];
}

/** The page size may be what was damaged: each is tried. */
function mendedHeader(sector) {
  for (let size = PAGE_UNIT; size <= sector.length; size *= 2) {
    const page = repaired(sector.subarray(0, size));
    const header = page && readHeader(page);
    if (header?.page_size === size) return header;
  }
  return null;
}

/** mark: the integer that the truck keeps in NVS, if it is known. */
export function readImage(image, sectorSize = 4096, mark = 0) {
  const [sectors, headers] = findHeaders(image, sectorSize);
  const generations = headers.map((header) => header?.generation ?? -1);
  const newest = generations.indexOf(Math.max(...generations));
  const top = headers[newest];
  if (!top) return { journal_id: null, records: [] };
  const result = {
    journal_id: top.journal_id, page_size: top.page_size, sectors: 0, repaired_pages: 0,
    damaged_pages: 0, oldest_seq: null, whole_from: null, next_seq: top.base, acked: NOTHING,
    tail: null, old: [], records: [],
  };
  const slots = (sectorSize / top.page_size) * (Math.floor(top.page_size / SMALLEST) + 1);
  const inRing = mark > top.base + slots ? sectors.length - 1 : sectors.length;
  for (let k = sectors.length - 1; k >= 0; k--) {
    const i = (newest - k + sectors.length) % sectors.length;
    const header = headers[i];
    if (k === 1) result.tail = null; // a tail of an older sector was overtaken
    const isOurs = header?.journal_id === top.journal_id && (k === 0 || k < inRing);
    if (isOurs && header.generation === top.generation - k) readSector(sectors[i], header, result);
  }
  result.records = [...result.old.filter(({ seq }) => seq < result.whole_from), ...result.records];
  result.oldest_seq = Math.min(result.whole_from, ...result.records.map(({ seq }) => seq));
  delete result.old;
  stampUntimed(result.records);
  return result;
}

function readSector(sector, header, result) {
  result.sectors++;
  result.whole_from ??= header.base;
  result.acked = header.acked;
  for (let at = 0; at < sector.length; at += header.page_size) {
    const page = sector.subarray(at, at + header.page_size);
    const found = bestPage(page, header, at === 0);
    if (found.repaired) result.repaired_pages++;
    if (!found.whole) result.damaged_pages++;
    for (const rec of found.records) take(rec, result);
  }
}

function take({ seq, ...rec }, result) {
  if (rec.kind === ACK) result.acked = readAcks(unhex(rec.body), seq);
  if (rec.kind === OLD) result.old.push(...readOld(unhex(rec.body)));
  if (rec.kind === TAIL) result.tail = rec;
  if (rec.kind === FIX) result.tail = null;
  if (isNumbered(rec)) {
    result.records.push({ seq, ...rec });
    result.next_seq = Math.max(result.next_seq, seq + 1);
  }
}
