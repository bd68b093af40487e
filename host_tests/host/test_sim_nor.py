"""The simulated chip: bits only clear, and a cut leaves exactly the torn state that was named."""

import pytest
from sim import feed
from sim.board.nor import FileStore, NorFlash, PowerCut


def chip(cut=None, cells=None, seed=1):
    flash = NorFlash(8192, 4096, cells, seed)
    flash.cut = cut
    return flash


def read(flash, off, n):
    buf = bytearray(n)
    flash.read(off, buf)
    return bytes(buf)


def test_programming_only_clears_bits():
    flash = chip()
    flash.program(10, b"\xf0\x0f")
    flash.program(10, b"\x3c\xff")
    assert read(flash, 9, 4) == b"\xff\x30\x0f\xff"


def test_the_partition_s_calls_erase_only_without_an_offset():
    flash = chip()
    flash.writeblocks(1, b"\x00", 5)
    flash.writeblocks(1, b"\xff", 5)
    assert read(flash, 4096 + 5, 1) == b"\x00"
    flash.writeblocks(1, b"\x5a" * 4096)
    assert read(flash, 4096, 4096) == b"\x5a" * 4096
    assert flash.ioctl(6, 1) == 0 and read(flash, 4096, 4096) == b"\xff" * 4096
    assert (flash.ioctl(4), flash.ioctl(5)) == (2, 4096)
    buf = bytearray(2)
    flash.program(7, b"ab")
    flash.readblocks(0, buf, 7)
    assert buf == b"ab"


def test_counters_and_wear():
    flash = chip()
    flash.program(0, b"abcdef", 4)
    flash.erase(1)
    flash.writeblocks(1, bytes(4096))
    assert (flash.program_calls, flash.program_bytes, flash.erases) == (2, 4100, 2)
    assert list(flash.wear) == [0, 2]


@pytest.mark.parametrize("off, n", [(8190, 3), (-1, 1), (8192, 1)])
def test_past_the_end_is_refused_and_touches_nothing(off, n):
    flash = chip()
    for call in (lambda: flash.program(off, bytes(n)), lambda: flash.read(off, bytearray(n))):
        with pytest.raises(OSError):
            call()
    with pytest.raises(OSError):
        flash.erase(2)
    with pytest.raises(OSError):
        flash.writeblocks(0, bytes(100))
    assert read(flash, 0, 8192) == b"\xff" * 8192 and flash.program_calls == 0


def test_a_torn_program_leaves_exactly_the_prefix():
    flash = chip(("program", 2, 3, "prefix"))
    flash.program(0, b"first")
    with pytest.raises(PowerCut):
        flash.program(100, b"second")
    assert read(flash, 0, 5) == b"first" and read(flash, 100, 6) == b"sec\xff\xff\xff"


def test_a_torn_program_may_have_part_of_a_byte():
    seen = set()
    for seed in range(1, 40):
        flash = chip(("program", 1, 1, "random"), seed=seed)
        with pytest.raises(PowerCut):
            flash.program(0, b"\x00\x81\x00")
        got = read(flash, 0, 3)
        assert got[0] == 0 and got[1] & 0x81 == 0x81 and got[2] == 0xFF
        seen.add(got[1])
    assert len(seen) > 10


def test_a_byte_past_the_end_of_the_operation_cuts_after_it():
    flash = chip(("program", 1, 99, "prefix"))
    with pytest.raises(PowerCut):
        flash.program(0, b"all")
    assert read(flash, 0, 4) == b"all\xff"


def test_a_torn_erase():
    for torn in ("prefix", "random"):
        flash = chip(("erase", 1, 1000, torn), bytes(8192))
        with pytest.raises(PowerCut):
            flash.erase(1)
        got = read(flash, 4096, 4096)
        assert got[:1000] == b"\xff" * 1000 and read(flash, 0, 4096) == bytes(4096)
        assert (got[1000:] == bytes(3096)) == (torn == "prefix") and got[1000:] != b"\xff" * 3096


def test_a_power_cut_is_no_exception_that_a_handler_may_catch():
    assert not issubclass(PowerCut, Exception)


def test_the_same_seed_tears_alike():
    def torn(seed):
        flash = chip(("erase", 1, 0, "random"), bytes(8192), seed)
        with pytest.raises(PowerCut):
            flash.erase(0)
        return read(flash, 0, 4096)

    assert torn(5) == torn(5) != torn(6)


def test_cells_outlive_the_chip():
    cells = bytearray(b"\xff" * 8192)
    chip(cells=cells).program(3, b"x")
    assert read(chip(cells=cells), 3, 1) == b"x" == bytes(cells[3:4])


def test_the_file_shows_each_operation_at_once(tmp_path):
    path = tmp_path / "flash.bin"
    path.write_bytes(b"\xff" * 8192)
    flash = chip(("program", 3, 2, "prefix"), FileStore(str(path)))
    flash.program(250, b"\x0f" * 600)
    assert path.read_bytes()[249:851] == b"\xff" + b"\x0f" * 600 + b"\xff"
    flash.program(250, b"\xf1")
    assert path.read_bytes()[250] == 0x01
    flash.erase(0)
    assert path.read_bytes() == b"\xff" * 8192
    with pytest.raises(PowerCut):
        flash.program(0, b"abc")
    assert path.read_bytes()[:3] == b"ab\xff" and read(flash, 0, 3) == b"ab\xff"


def test_a_feed_is_read_as_it_was_written(tmp_path):
    frames = [(0, b"$GP"), (1000, b"x" * 70_000), (1000, b"y"), (4_000_000_000, b"z")]
    path = tmp_path / "feed.bin"
    assert feed.write(path, frames) == 5
    assert path.read_bytes()[:9] == b"\0\0\0\0\x03\0$GP"
    back = list(feed.read(path))
    assert [t for t, _ in back] == [0, 1000, 1000, 1000, 4_000_000_000]
    assert b"".join(data for _, data in back) == b"".join(data for _, data in frames)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ValueError, match="inside a frame"):
        list(feed.read(path))
    with pytest.raises(ValueError, match="goes back"):
        feed.write(path, [(2, b"a"), (1, b"b")])
