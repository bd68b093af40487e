"""The log: bounded, counted, never raising; the newest lines survive."""

from tracker.system.log import DEBUG, WARN, Log, traceback_lines


class _Console:
    def __init__(self):
        self.lines = []
        self.unplugged = False

    def print(self, line):
        if self.unplugged:
            raise OSError(19)
        self.lines.append(line)


def _log(size=2048):
    console = _Console()
    return Log(lambda: 1234, size, console.print), console


def test_a_line_is_printed_and_kept():
    log, console = _log()
    log.info("mulai")
    log.warn("antena")
    log.error("rusak")
    assert console.lines == ["1234 I mulai", "1234 W antena", "1234 E rusak"]
    assert log.lines() == console.lines and log.dropped == 0


def test_the_level_is_obeyed():
    log, console = _log()
    log.debug("a")
    log.level = WARN
    log.info("b")
    log.warn("c")
    log.level = DEBUG
    log.debug("d")
    assert log.lines() == ["1234 W c", "1234 D d"] == console.lines


def test_the_ring_keeps_whole_newest_lines_and_counts_the_others():
    log, console = _log(64)
    for number in range(200):
        log.info("baris %d" % number)
        kept = log.lines()
        assert kept == console.lines[len(console.lines) - len(kept) :]
        assert sum([len(line) + 1 for line in kept]) <= 64
        assert log.dropped + len(kept) == number + 1
    assert len(log.lines()) == 3


def test_a_line_that_just_fits_and_one_that_does_not():
    for size in range(30, 60):
        log, console = _log(size)
        log.info("x" * 40)
        log.info("y")
        assert log.lines()[-1] == "1234 I y"


def test_a_long_line_is_cut_between_characters():
    for pad in range(4):
        log, console = _log()
        log.info("x" * pad + "\u20ac" * 100)
        line = log.lines()[0]
        assert 157 <= len(line.encode()) <= 160 and console.lines[0].startswith(line)
        assert log.cut == 1


def test_many_lines_at_once_and_things_that_are_no_text():
    log, _ = _log()
    log.info("a\nb")
    log.warn(None)
    log.error(b"\xff")
    assert log.lines()[:3] == ["1234 I a", "1234 I b", "1234 W None"]


def test_a_console_that_is_gone_stops_nothing():
    log, console = _log()
    console.unplugged = True
    log.info("a")
    assert log.lines() == ["1234 I a"] and log.unprinted == 1


def test_an_exception_is_told_with_its_traceback():
    log, _ = _log()
    try:
        {}["tidak ada"]
    except KeyError as error:
        log.exception("kamar gnss mati", error)
        assert "KeyError" in traceback_lines(error)[-1]
    kept = log.lines()
    assert kept[0] == "1234 E kamar gnss mati"
    assert "Traceback" in kept[1] and "test_log" in kept[2] and "tidak ada" in kept[-1]
