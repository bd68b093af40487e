// A decoder of docs/protocol.md, written from that document alone: messages, and the command line.
//
// In: bytes of a record, a message or a flash image.
// Out: JSON. Nothing is invented: what does not check is left out, and said.

import { readImage } from "./flash.mjs";
import {
  Bytes, emptyState, FIX, hex, isNumbered, Malformed, must, readRecord, unhex,
} from "./records.mjs";
import { stampUntimed } from "./untimed.mjs";

export { readImage, readRecord, emptyState, Bytes, Malformed };

const TAG_SIZE = 8;
const ID_SIZE = 8;
const NUMBERS_END = 2 ** 30;

/** Records one behind the other, from an empty state. */
export function readRecords(bytes) {
  const from = new Bytes(bytes);
  const state = emptyState();
  const records = [];
  while (!from.atEnd()) records.push(readRecord(from, state));
  return { records };
}

/** Any message, by its first byte. hmac: bytes -> HMAC-SHA-256; without it no tag is looked at. */
export function readMessage(bytes, device, hmac) {
  const read = { 0x11: readHistory, 0x12: readLive, 0x13: readAck, 0x14: readRefused, 0x15: readLacks,
    0x20: readCommand, 0x21: readAnswer }[bytes[0]];
  if (!read) return { unknown: bytes[0] ?? null };
  return read(bytes, device, hmac);
}

function readHistory(bytes, device, hmac) {
  must(bytes.length > TAG_SIZE, "cut");
  const end = bytes.length - TAG_SIZE;
  const from = new Bytes(bytes, 1, end);
  const result = { type: "history", tag: null, journal_id: hex(from.take(ID_SIZE)), records: [] };
  if (hmac) result.tag = isRight(bytes, end, device + "\0", hmac);
  result.first = from.varint();
  result.count = from.varint();
  must(result.count > 0 && result.first + result.count <= NUMBERS_END, "numbers out of range");
  const state = emptyState();
  for (let i = 0; i < result.count; i++) {
    const rec = readRecord(from, state);
    must(isNumbered(rec), "a record without a number");
    result.records.push({ seq: result.first + i, ...rec });
  }
  must(from.atEnd(), "bytes behind the last record");
  stampUntimed(result.records);
  return result;
}

function isRight(bytes, end, before, hmac) {
  const right = hmac(Uint8Array.from([...new TextEncoder().encode(before), ...bytes.subarray(0, end)]));
  return hex(right.subarray(0, TAG_SIZE)) === hex(bytes.subarray(end));
}

function readCommand(bytes, device, hmac) {
  return readSigned(bytes, device, hmac, "cmd", { type: "command" }, ["code", "body"], hex);
}

function readAnswer(bytes, device, hmac) {
  return readSigned(bytes, device, hmac, "ans", { type: "answer" }, ["result", "text"], (text) => new TextDecoder().decode(text));
}

function readSigned(bytes, device, hmac, use, result, [byteName, restName], said) {
  must(bytes.length > TAG_SIZE, "cut");
  const end = bytes.length - TAG_SIZE;
  const from = new Bytes(bytes, 1, end);
  result.tag = hmac ? isRight(bytes, end, `${device}\0${use}\0`, hmac) : null;
  result.counter = from.varint();
  result[byteName] = from.byte();
  result[restName] = said(bytes.subarray(from.off, end));
  return result;
}

function readLive(bytes) {
  const from = new Bytes(bytes, 1);
  const fix = readRecord(from, emptyState());
  must(fix.kind === FIX && from.atEnd(), "not one fix");
  return { type: "live", fix };
}

/** What the station says on /ack: where its fields are, and whether its tag is right. */
function openSaid(bytes, device, hmac) {
  must(bytes.length > TAG_SIZE, "cut");
  const end = bytes.length - TAG_SIZE;
  return [new Bytes(bytes, 1, end), hmac ? isRight(bytes, end, `${device}\0ack\0`, hmac) : null];
}

function readAck(...message) {
  const [from, tag] = openSaid(...message);
  return readRanges(from, { type: "ack", tag, journal_id: hex(from.take(ID_SIZE)), ranges: [] });
}

function readLacks(...message) {
  const [from, tag] = openSaid(...message);
  return readRanges(from, { type: "lacks", tag, journal_id: hex(from.take(ID_SIZE)), behind: from.varint(), ranges: [] });
}

function readRanges(from, result) {
  const n = from.varint();
  for (let i = 0; i < n; i++) result.ranges.push(readRange(from));
  must(from.atEnd(), "bytes behind the last range");
  return result;
}

function readRefused(...message) {
  const [from, tag] = openSaid(...message);
  const journal_id = hex(from.take(ID_SIZE));
  const range = readRange(from);
  const reason = from.byte();
  must(from.atEnd(), "bytes behind the reason");
  return { type: "refused", tag, journal_id, range, reason };
}

function readRange(from) {
  const first = from.varint();
  return [first, first + from.varint()];
}

// command line

const USAGE = `node lacak.mjs records|message|image [file] [--hex]
  [--device d --key hex] [--sector 4096] [--mark n]
node lacak.mjs lines: a question per line of standard input, an answer per line:
  {"what": "records|message|image", "hex": "...", and the options as above}`;

async function answerer() {
  const { createHmac } = await import("node:crypto");
  return ({ what, bytes, sector, mark, device, key }) => {
    const hmac = key && ((data) => createHmac("sha256", unhex(key)).update(data).digest());
    try {
      if (what === "image") return readImage(bytes, Number(sector ?? 4096), Number(mark ?? 0));
      if (what === "message") return readMessage(bytes, device, hmac);
      return readRecords(bytes);
    } catch (why) {
      if (why instanceof Malformed) return { malformed: why.message };
      throw why;
    }
  };
}

async function main(words) {
  const { readFileSync } = await import("node:fs");
  const { parseArgs } = await import("node:util");
  const text = { type: "string" };
  const options = { sector: text, mark: text, device: text, key: text, hex: { type: "boolean" } };
  const { values, positionals } = parseArgs({ args: words, options, allowPositionals: true });
  const [what, file] = positionals;
  const answer = await answerer();
  if (what === "lines") {
    for (const line of readFileSync(0, "utf8").split("\n").filter(Boolean)) {
      const question = JSON.parse(line);
      console.log(JSON.stringify(answer({ ...question, bytes: unhex(question.hex) })));
    }
    return 0;
  }
  if (!["records", "message", "image"].includes(what)) {
    console.error(USAGE);
    return 2;
  }
  const raw = readFileSync(file ?? 0);
  const bytes = values.hex ? unhex(raw.toString()) : Uint8Array.from(raw);
  const said = answer({ ...values, what, bytes });
  console.log(JSON.stringify(said, null, 1));
  return said.malformed ? 1 : 0;
}

if (globalThis.process?.argv?.[1]?.endsWith("lacak.mjs")) {
  process.exitCode = await main(process.argv.slice(2));
}
