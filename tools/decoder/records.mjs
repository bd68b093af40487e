// Records of docs/protocol.md, "Numbers" and "Records": bytes in, plain objects out.
//
// In: a Uint8Array, the state that goes with the stream.
// Out: an object per record, or Malformed is thrown and the state is as before.

export class Malformed extends Error {}

export const [FIX, ANCHOR, INPUT, CREW, PLACE, TAMPER, GAP] = [0, 1, 2, 3, 4, 5, 6];
export const [HEALTH, TEXT, SKIPPED, ACK, TAIL] = [7, 8, 9, 0x70, 0x71];
const SEC_END = 2 ** 30;
const LAT_MAX = 90e6;
const LON_MAX = 180e6;
const BODY_MAX = 200;
const STEP_END = 2 ** 20;
const PREDICT_MAX_S = 300;
const UNTIMED = 16; // flag of a fix
const UNNUMBERED = 0x70; // kinds from here on live on flash only
const FIELDS = ["speed", "course", "alt", "hdop", "sats"];
const CODE_MAX = { speed: 16383, course: 180, alt: 16383, hdop: 16383, sats: 16383 };

export function isNumbered(rec) {
  return rec.kind < UNNUMBERED;
}

export function hasTime(fix) {
  return !(fix.flags & UNTIMED);
}

export function must(held, what) {
  if (!held) throw new Malformed(what);
}

/** Takes numbers from bytes, one after the other. */
export class Bytes {
  constructor(bytes, off = 0, end = bytes.length) {
    this.bytes = bytes;
    this.off = off;
    this.end = end;
  }

  byte() {
    must(this.off < this.end, "cut");
    return this.bytes[this.off++];
  }

  /** Seven bits a byte, lowest first; no shifts, because five bytes hold 35 bits. */
  varint() {
    let value = 0;
    for (let unit = 1; unit < 2 ** 35; unit *= 128) {
      const byte = this.byte();
      value += (byte & 127) * unit;
      if (byte < 128) return value;
    }
    throw new Malformed("varint of more than five bytes");
  }

  zigzag() {
    const value = this.varint();
    return value % 2 ? -(value + 1) / 2 : value / 2;
  }

  take(n) {
    must(n <= this.end - this.off, "cut");
    this.off += n;
    return this.bytes.subarray(this.off - n, this.off);
  }

  atEnd() {
    return this.off === this.end;
  }
}

export function emptyState() {
  return {
    sec: 0, lat: 0, lon: 0, dt: 1, dlat: 0, dlon: 0, kind: 1,
    speed: 0, course: 0, alt: 0, hdop: 0, sats: 0,
  };
}

/** One record. A FIX moves the state, nothing else does. */
export function readRecord(from, state) {
  must(from.off < from.end, "cut");
  const first = from.bytes[from.off];
  if (first < 0x80) {
    const [fix, after] = readFix(from, state);
    Object.assign(state, after);
    return { kind: FIX, ...fix };
  }
  must(first !== 0x80 && first !== 0xff, "no kind");
  const kind = from.byte() - 0x80;
  const size = from.byte();
  const inside = new Bytes(from.take(size));
  if (kind === TAIL) {
    const [fix] = readFix(inside, state);
    must(inside.atEnd(), "bytes behind a tail");
    return { kind, ...fix };
  }
  const sec = state.sec + inside.zigzag();
  must(sec >= 0 && sec < SEC_END, "second out of range");
  const body = inside.take(inside.end - inside.off);
  must(body.length <= BODY_MAX, "payload too long");
  return { kind, sec, body: hex(body), ...meaning(kind, body) };
}

function readFix(from, state) {
  const bits = from.byte();
  must(bits < 0x80, "not a fix");
  const dt = bits & 1 ? from.zigzag() : state.dt;
  const sec = state.sec + dt;
  const ahead = dt > 0 && dt <= PREDICT_MAX_S;
  const reach = (step) => (ahead ? Math.floor((step * dt) / state.dt) : 0);
  const lat = state.lat + reach(state.dlat) + from.zigzag();
  const lon = state.lon + reach(state.dlon) + from.zigzag();
  must(sec >= 0 && sec < SEC_END, "second out of range");
  must(Math.abs(lat) <= LAT_MAX && Math.abs(lon) <= LON_MAX, "off the globe");
  const code = readCodes(from, state, bits);
  const { quality, flags, ms } = bits & 64 ? readExtras(from) : plain(state);
  const [dlat, dlon] = [lat - state.lat, lon - state.lon];
  const steady = ahead && Math.abs(dlat) < STEP_END && Math.abs(dlon) < STEP_END;
  const step = steady ? { dt, dlat, dlon } : { dt: 1, dlat: 0, dlon: 0 };
  return [
    {
      sec, ms, lat_udeg: lat, lon_udeg: lon,
      alt_dm: code.alt ? (code.alt - 1001) * 10 : null,
      speed_cms: code.speed ? (code.speed - 1) * 10 : null,
      course_cdeg: code.course ? (code.course - 1) * 200 : null,
      hdop_x10: code.hdop ? code.hdop - 1 : null,
      sats: code.sats ? code.sats - 1 : null,
      quality, flags,
    },
    { sec, lat, lon, ...step, kind: quality, ...code },
  ];
}

function readCodes(from, state, bits) {
  const named = FIELDS.filter((_, i) => bits & (2 << i));
  const packed = from.take(Math.ceil(named.length / 2));
  const nibble = (i) => (i % 2 ? packed[i >> 1] >> 4 : packed[i >> 1] & 15);
  must(named.length % 2 === 0 || packed.at(-1) < 16, "half byte that must be 0");
  const code = {};
  for (const name of FIELDS) code[name] = state[name];
  named.forEach((name, i) => {
    const change = nibble(i);
    code[name] += change ? new Bytes([change]).zigzag() : from.zigzag();
    must(code[name] >= 0 && code[name] <= CODE_MAX[name], name + " out of range");
  });
  return code;
}

function readExtras(from) {
  const bits = from.byte();
  const flags = bits & 16 ? from.byte() : 0;
  must(bits < 64 && flags < 128, "bit that must be 0");
  const ms = bits & 32 ? from.varint() : 0;
  must(ms <= 999, "milliseconds out of range");
  return { quality: bits & 15, flags, ms };
}

function plain(state) {
  return { quality: state.kind, flags: 0, ms: 0 };
}

/** What a payload says, if its kind is known; one that is cut is passed on as it is. */
function meaning(kind, body) {
  const from = new Bytes(body);
  try {
    if (kind === GAP) {
      return { gap: { reason: from.byte(), duration_s: from.varint(), detail: from.varint() } };
    }
    if (kind === ANCHOR) return { anchor: { boot: from.varint(), uptime_ms: from.varint() } };
    if (kind === SKIPPED) return { skipped: { first: from.varint(), count: from.varint() } };
    if (kind === TEXT) return { text: new TextDecoder().decode(body) };
  } catch (why) {
    if (!(why instanceof Malformed)) throw why;
  }
  return {};
}

export function hex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export function unhex(text) {
  const pairs = text.replace(/\s/g, "").match(/../g) ?? [];
  return Uint8Array.from(pairs, (pair) => parseInt(pair, 16));
}
