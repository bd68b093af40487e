// Fixes from before the clock was believed: an anchor of their boot says when they were.
//
// In: numbered records in order. Out: the same; an untimed fix that an anchor reaches has at_sec.

import { ANCHOR, FIX, hasTime } from "./records.mjs";

export function stampUntimed(records) {
  let [boot, offsetMs, last, waiting] = [null, null, null, []];
  const forget = (to) => [boot, offsetMs, waiting] = [to, null, []];
  for (const rec of records) {
    if (last !== null && rec.seq !== last + 1) forget(null); // a boot may have ended in the hole
    last = rec.seq;
    if (rec.kind === ANCHOR && rec.anchor) {
      if (rec.anchor.boot !== boot) forget(rec.anchor.boot);
      if (rec.sec > 0) offsetMs = rec.sec * 1000 - rec.anchor.uptime_ms;
    } else if (rec.kind === FIX && !hasTime(rec) && boot !== null) {
      waiting.push(rec);
    }
    if (offsetMs !== null) {
      for (const fix of waiting.splice(0)) {
        fix.at_sec = Math.floor((fix.sec * 1000 + fix.ms + offsetMs + 500) / 1000);
      }
    }
  }
  return records;
}
