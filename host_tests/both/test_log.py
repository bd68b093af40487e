"""The log: bounded, counted, never raising; the newest lines survive."""

from tracker.system.log import DEBUG, INFO, WARN, Log, traceback_lines
from tracker.system.retained import Retained


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


class _Rtc:
    """2 KB that a reset keeps; what nobody wrote since power-on is zeros."""

    def __init__(self, data=b""):
        self.data = data
        self.writes = 0

    def memory(self, data=None):
        if data is None:
            return self.data
        self.writes += 1
        self.data = bytes(data)


def _started(rtc, level=INFO):
    retained = Retained(rtc)
    return Log(lambda: 1234, out=_Console().print, level=level, retained=retained), retained


def test_after_a_reset_the_lines_of_the_run_before_stand_first():
    rtc = _Rtc()
    log, _ = _started(rtc)
    assert log.lines() == []
    log.info("mulai")
    assert rtc.writes == 0  # 20 ms each: not for every line
    log.error("kamar gnss mati")
    log.info("tak tersimpan")
    again, _ = _started(rtc)
    again.info("mulai lagi")
    assert again.lines() == ["1234 I mulai", "1234 E kamar gnss mati", "1234 I mulai lagi"]


def test_a_minute_without_news_writes_nothing():
    rtc = _Rtc()
    log, _ = _started(rtc)
    log.save()
    assert rtc.writes == 0
    log.info("a")
    log.save()
    log.save()
    assert rtc.writes == 1 and _started(rtc)[0].lines() == ["1234 I a"]


def test_whoever_saves_the_image_saves_the_log_with_it():
    rtc = _Rtc()
    log, retained = _started(rtc)
    log.info("a")
    retained.buf[3] = 77  # an ordered reset leaves its note
    retained.save()
    assert _started(rtc)[0].lines() == ["1234 I a"]


def test_a_full_ring_comes_back_line_by_line():
    rtc = _Rtc()
    log, _ = _started(rtc)
    for number in range(150):
        log.info("baris %d %s" % (number, "x" * (number % 50)))
        if number % 7 == 0:
            log.save()
            again = _started(rtc)[0]
            assert again.lines() == log.lines()
    for number in range(9):
        again.info("y%d" % number)
    assert again.lines()[-9:] == ["1234 I y%d" % number for number in range(9)]
    assert again.dropped > 0 and again.lines()[0] in log.lines()


def test_rubbish_in_the_memory_is_never_shown():
    rtc = _Rtc()
    log, _ = _started(rtc)
    for number in range(40):
        log.info("baris %d" % number)
    log.save()
    whole = rtc.data
    for at in range(64, 1024):
        rtc.data = whole[:at] + bytes([whole[at] ^ 1 << at % 8]) + whole[at + 1 :]
        again = _started(rtc)[0]
        assert again.lines() == [], at
    for filler in (b"\0", b"\xff", b"\n", b"k"):
        rtc.data = filler * 1024
        again = _started(rtc)[0]
        assert again.lines() == []
        again.info("a")
        assert again.lines() == ["1234 I a"]


def test_a_right_check_over_nonsense_stops_nothing():
    for head in ((255, 255, 1, 0), (0, 0, 255, 255), (0, 0, 9, 0), (3, 0, 186, 3)):
        retained = Retained(_Rtc((b"\n" if head[3] == 255 else b"k") * 1024))
        retained.buf[64:68] = bytes(head)
        retained.seal(64, 1024)
        retained.save()
        log = _started(retained._rtc)[0]
        assert log.lines() == [], head
        for number in range(100):
            log.info("baris %d" % number)
        assert log.lines()[-1] == "1234 I baris 99"


def test_it_is_given_in_pieces_of_whole_lines():
    log, console = _log(954)
    for number in range(60):
        log.info("baris %d \u20ac" % number)
    buf = bytearray(300)
    told = []
    log.rewind()
    while True:
        end = log.piece(buf, 10, 200)
        if end == 10:
            break
        assert end <= 210
        told += str(buf[10:end], "utf-8").split("\n")[:-1]
    assert told == log.lines() and len(told) > 30
    log.info("baru")
    end = log.piece(buf, 0, 200)
    assert buf[:end] == b"1234 I baru\n" and log.piece(buf, 0, 200) == 0
    log.rewind()
    log.piece(buf, 0, 200)
    for number in range(100):
        log.info("lagi %d" % number)  # what was not told yet has been pushed out
    end = log.piece(buf, 0, 200)
    assert str(buf[: buf.find(b"\n")], "utf-8") == log.lines()[0]


def test_a_secret_becomes_stars_whoever_says_it():
    log, console = _log()
    log.hide("rahasia sekali")
    log.hide("")
    log.hide("abc")  # so short that stars would tell more than they hide
    log.info("sandi 'rahasia sekali' ditolak, abc")
    try:
        raise ValueError("rahasia sekali")
    except ValueError as error:
        log.exception("kamar link mati", error)
    assert console.lines[0] == "1234 I sandi '***' ditolak, abc"
    assert "rahasia" not in "".join(log.lines()) and "***" in log.lines()[-1]


def test_a_line_below_the_level_costs_no_heap():
    try:
        from micropython import heap_lock, heap_unlock
    except ImportError:
        return  # CPython
    log, _ = _log()
    debug = log.debug
    heap_lock()
    try:
        debug("tidak")
    finally:
        heap_unlock()
    assert log.lines() == []
