"""python3 tools/verify.py EXPORT --key-file KEYS.json: is a truck's day whole, and what is wrong if not.

Needs the file and the truck's key; no station, no database, no network. Exit code 0: whole. 1: not whole, or changed.
2: there is nothing to judge.
"""

import argparse
import json
import sys
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[1]
for _folder in ("tools", "host_tests/fakes/cpython", "firmware"):
    sys.path.insert(0, str(_ROOT / _folder))

from reasons import REASON_NAMES, REASON_NAMES_ID  # noqa: E402
from station.proof import Unreadable, judge  # noqa: E402
from station.truckday import table  # noqa: E402
from verify_words import BLOCK, CLAIM, FINDINGS, NOTES, SAYS, UNREADABLE  # noqa: E402

LISTED = 20  # findings of one kind; a damaged file has thousands


def read_keys(path):
    """{"truck": "hex of its key"}, the station's file or one truck of it; a list where the key was renewed.

    {truck: its keys}; an empty key proves nothing and is none. ValueError, in words.
    """
    try:
        keys = json.loads(Path(path).read_text(encoding="utf-8"))
        rings = {device: [ring] if isinstance(ring, str) else ring for device, ring in keys.items()}
        return {device: [bytes.fromhex(key) for key in ring if key] for device, ring in rings.items()}
    except (ValueError, AttributeError, TypeError, RecursionError):
        raise ValueError('%s is not a file of keys: {"truck-017": "00ff...", ...}, in hex' % path) from None


def numbers(lo, hi):
    return str(lo) if lo == hi else "%d–%d" % (lo, hi)


class Words:
    """A verdict as lines for a person."""

    def __init__(self, verdict, language):
        self.verdict = verdict
        self.day = verdict.day
        self.pick = 1 if language == "id" else 0

    def lines(self):
        verdict, say = self.verdict, self._say
        yield say("head", device=verdict.device, date=self.day.date, zone=self.day.zone, station=verdict.station)
        yield say("size", blocks=verdict.blocks, records=verdict.records)
        for journal, (_, span) in verdict.journals.items():
            yield say("journal", journal=journal.hex(), numbers=numbers(span.lo, span.hi))
        yield ""
        yield say("whole", device=verdict.device, **self._ends()) if verdict.whole else say("not_whole")
        yield from self._listed(FINDINGS, verdict.findings)
        yield ""
        yield from self._times()
        yield from self._listed(NOTES, verdict.notes)

    def _say(self, name, **facts):
        return SAYS[name][self.pick] % facts

    def _listed(self, words, entries):
        by_name = {}
        for name, facts in entries:
            by_name.setdefault(name, []).append(facts)
        for name, every in by_name.items():
            for facts in every[:LISTED]:
                yield "  " + words[name][self.pick] % self._facts(facts)
            if len(every) > LISTED:
                yield "  " + self._say("more", count=len(every) - LISTED)

    def _facts(self, facts):
        """The facts of a finding as they stand in a sentence."""
        out = dict(facts)
        for name in ("block", "other"):
            if name in out:
                block = out[name]
                out[name] = BLOCK[self.pick] % (block.number, block.line, block.received)
        if "journal" in out:
            out["journal"] = out["journal"].hex()
        if "lo" in out:
            out["numbers"] = numbers(out["lo"], out["hi"])
        if "start" in out:
            start, end = out["start"], out["end"]
            out.update(start=self.day.time(start), end=self.day.time(end), seconds=end - start)
        if "claim" in out:
            journal, first, last = out["claim"] or (None, 0, 0)
            out["claim"] = CLAIM[self.pick] % (numbers(first, last), journal.hex()) if journal else ""
        return out

    def _ends(self):
        return {"start": self.day.time(self.verdict.known[0][0]), "end": self.day.time(self.verdict.known[-1][1])}

    def _times(self):
        verdict, day = self.verdict, self.day
        if not verdict.known:
            yield self._say("no_time")
            return
        ends = self._ends()
        yield self._say("known", **ends)
        spans = [span for _, span in verdict.journals.values()]
        if not any(span.before for span in spans):
            born = any(span.lo == 0 for span in spans)
            yield self._say("born" if born else "open_before", at=ends["start"])
        if not any(span.after for span in spans):
            yield self._say("open_after", at=ends["end"])
        if not any(name == "unexplained" for name, _ in verdict.findings):
            yield self._say("explained")
        if verdict.gaps:
            yield self._say("gaps", count=len(verdict.gaps))
        for start, end, reason in verdict.gaps:
            name = (REASON_NAMES, REASON_NAMES_ID)[self.pick].get(reason, "%d" % reason)
            yield "    %s – %s  %6d s  %s" % (day.time(start), day.time(end), end - start, name)


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="verify", description="Says of an exported truck-day whether it is whole.",
                                     epilog="Exit code 0: whole. 1: not whole. 2: nothing to judge. "
                                            "What a tag proves: docs/keys.md.")
    parser.add_argument("export", help="the .lacak file of `python -m station export`")
    parser.add_argument("--key-file", required=True, metavar="FILE", help='JSON {"truck": "key in hex", ...}')
    parser.add_argument("--lang", choices=("en", "id"), default="en")
    parser.add_argument("--csv", metavar="FILE", help="write what is proved as a table")
    args = parser.parse_args(arguments)
    pick = 1 if args.lang == "id" else 0
    try:
        keys = read_keys(args.key_file)
        verdict = judge(Path(args.export).read_bytes(), keys)
        if args.csv:
            Path(args.csv).write_text(table(verdict.journals, verdict.day), encoding="utf-8", newline="\n")
    except Unreadable as problem:
        name, facts = problem.args
        facts = {**facts, "file": args.export, "keys": args.key_file}
        print("verify: " + UNREADABLE[name][pick] % facts, file=sys.stderr)
        if facts.get("ending"):
            print("  " + FINDINGS[facts["ending"]][pick] % {}, file=sys.stderr)
        return 2
    except (OSError, ValueError) as problem:
        print("verify: %s" % problem, file=sys.stderr)
        return 2
    for line in Words(verdict, args.lang).lines():
        print(line)
    return 0 if verdict.whole else 1


if __name__ == "__main__":
    sys.exit(main())
