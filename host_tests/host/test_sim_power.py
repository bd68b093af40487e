"""The supply: starts the VM again after cuts and resets, and leaves no process behind.

A shell script stands in for the VM: it gets the same arguments and ends as the board ends.
"""

import json
import os
import threading
import time

import pytest
from sim.power import Board


def board(tmp_path, script, **more):
    vm = tmp_path / "vm.sh"
    vm.write_text("#!/bin/sh\n" + script)
    vm.chmod(0o755)
    firmware = tmp_path / "firmware"
    (firmware / "lib").mkdir(parents=True)
    for name in ("main.py", "lib/x.py", "lib/README.md"):
        (firmware / name).write_text("")
    return Board(
        tmp_path / "run",
        str(vm),
        {"seed": 1, "duration_s": 1, **more.pop("world", {})},
        firmware=firmware,
        **more,
    )


def is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    with open("/proc/%d/stat" % pid) as file:
        return (
            file.read().split(")")[1].split()[0] != "Z"
        )  # an orphan that nobody has waited for yet is dead, too


def test_the_board_is_laid_out_as_on_its_flash(tmp_path):
    made = board(
        tmp_path,
        "exit 0",
        settings={"device_id": "t1"},
        world={"ignition": [[5, 1]], "feed": "feed.bin"},
    )
    made.lay_out()
    assert sorted(p.name for p in made.files.rglob("*") if p.is_file()) == [
        "board.json",
        "main.py",
        "settings.json",
        "x.py",
    ]
    assert json.loads((made.files / "settings.json").read_text()) == {"device_id": "t1"}
    profile = json.loads((made.files / "board.json").read_text())
    world = json.loads((made.root / "world.json").read_text())
    assert world["pins"] == {str(profile["inputs"]["ignition"]): [[5, 1]]}
    assert world["gnss_uart"] == profile["gnss"]["uart"]
    assert world["journal_bytes"] == int(
        next(row[4] for row in profile["partitions"] if row[0] == "journal"), 0
    )
    assert os.path.isabs(world["feed"])


def test_it_starts_again_after_cut_and_reset_until_the_end(tmp_path):
    made = board(
        tmp_path,
        """
        echo boot "$@"
        n=$(cat "$5/n" 2>/dev/null || echo 0)
        echo $((n + 1)) > "$5/n"
        echo "{\\"boots\\": $((n + 1))}" > "$5/state.json"
        [ $n = 0 ] && exit 77
        [ $n = 1 ] && exit 78
        exit 0
        """,
        heap_kb=96,
    )
    lines = []
    end = made.run(lines.append)
    assert end["boots"] == 3 and end["stopped"] == ""
    assert len(lines) == 3 and lines[0].startswith("boot -X heapsize=96k /")


def test_a_vm_that_dies_by_itself_is_an_error_with_its_last_words(tmp_path):
    with pytest.raises(RuntimeError, match="code 5:\nFATAL: out of memory"):
        board(tmp_path, "echo FATAL: out of memory >&2; exit 5").run()


@pytest.mark.parametrize("how", ["limit", "asked", "error"])
def test_no_process_outlives_the_run(tmp_path, how):
    """The stand-in starts a process of its own, as a wrapper does that does not exec."""
    made = board(tmp_path, "sleep 60 & echo $$ $!; wait")
    pids = []

    def on_line(line):
        pids.extend(map(int, line.split()))
        if how == "error":
            raise KeyboardInterrupt
        if how == "asked":
            threading.Timer(0.1, made.stop).start()

    began = time.monotonic()
    if how == "error":
        with pytest.raises(KeyboardInterrupt):
            made.run(on_line)
    else:
        assert made.run(on_line, limit_s=0.5 if how == "limit" else 30)["stopped"] == how
    assert time.monotonic() - began < 5
    time.sleep(0.1)
    assert len(pids) == 2 and not any(map(is_alive, pids))
