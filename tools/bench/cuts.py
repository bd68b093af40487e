"""Power cuts: every byte of every flash operation of four small drives, two of them with a window that thins, torn in every way.

Then again while the mount recovers. The judge is the tests' (host_tests/fakes/store_judge.py). A
check that fails counts as a wrong record where it says so, and else as a fix lost: no failure
goes uncounted.
"""

from multiprocessing import Pool

import store_cuts
import store_fast

COUNTS = ("cuts", "recovery_cuts", "lost", "wrong")
AGAIN = 61  # for every so many-th cut, each operation of the recovery is cut too
_WORKERS = 2
_SHARDS = 16  # they take unequally long


def count(stride=1, again=AGAIN, workers=_WORKERS):
    """Every stride-th cut: a dict of counts."""
    if workers == 1:
        parts = [_shard((stride, again, 0, 1))]
    else:
        with Pool(workers) as pool:
            parts = pool.map(_shard, [(stride, again, i, _SHARDS) for i in range(_SHARDS)], 1)
    total = {key: sum(part[key] for part in parts) for key in COUNTS}
    for text in [text for part in parts for text in part["failures"]][:5]:
        print("  " + text)
    return total


def _shard(share):
    stride, again, first, step = share
    counts = {**dict.fromkeys(COUNTS, 0), "failures": []}
    with store_fast.remembered():
        for drive in store_cuts.DRIVES:
            chosen = store_cuts.cuts(store_cuts.Drive(**drive).pictures, stride)
            for i, cut in enumerate(chosen):
                if i % step == first:
                    counts["cuts"] += 1
                    _judge(counts, store_cuts.check_cut, cut)
                    if i % again == 0:
                        counts["recovery_cuts"] += _judge(counts, store_cuts.check_recovery, cut) or 0
    return counts


def _judge(counts, check, cut):
    try:
        return check(*cut)
    except Exception as error:
        said = "%s (%s)" % (error, error.__cause__ or "")
        counts["failures"].append(said)
        counts["wrong" if "never appended" in said or "is changed" in said else "lost"] += 1
