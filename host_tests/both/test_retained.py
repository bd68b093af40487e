"""RTC memory is read once, written whole, and no part of it is believed without its check."""

from tracker.system.retained import SIZE, Retained, crc16


class _Rtc:
    """2048 bytes that a reset keeps and a power cut doesn't."""

    def __init__(self, data=b""):
        self.data = data
        self.reads = self.writes = 0

    def memory(self, data=None):
        if data is None:
            self.reads += 1
            return self.data
        assert len(data) <= 2048
        self.writes += 1
        self.data = bytes(data)


class _Deaf:
    """Takes the buffer and keeps nothing, as the chip's driver does on the heap's side."""

    def memory(self, data=None):
        return b"" if data is None else None


def test_what_is_saved_is_there_after_a_reset():
    rtc = _Rtc()
    kept = Retained(rtc)
    assert kept.buf == bytearray(SIZE) and (rtc.reads, rtc.writes) == (1, 0)
    kept.buf[0] = 7
    kept.buf[SIZE - 1] = 9
    kept.save()
    again = Retained(rtc)
    assert (again.buf[0], again.buf[SIZE - 1]) == (7, 9) and rtc.reads == 2
    assert len(rtc.data) == SIZE


def test_a_memory_of_another_length_is_taken_as_far_as_it_goes():
    assert Retained(_Rtc(b"abc")).buf[:4] == b"abc\0"
    assert Retained(_Rtc(b"x" * 2048)).buf == b"x" * SIZE


def test_a_part_is_whole_only_with_its_check():
    kept = Retained(_Rtc())
    assert not kept.whole(16, 48)  # zeros
    for at in range(16, 46):
        kept.buf[at] = at * 7 & 0xFF
    kept.seal(16, 48)
    assert kept.whole(16, 48)
    for at in range(16, 48):
        for bit in range(8):
            kept.buf[at] ^= 1 << bit
            assert not kept.whole(16, 48), (at, bit)
            kept.buf[at] ^= 1 << bit
    kept.buf[15] = kept.buf[48] = 255  # the neighbours' business
    assert kept.whole(16, 48)


def test_the_check_is_the_known_one():
    assert crc16(b"x123456789x", 1, 10) == 0x29B1


def test_saving_and_sealing_take_no_heap():
    try:
        from micropython import heap_lock, heap_unlock
    except ImportError:
        return  # CPython
    kept = Retained(_Deaf())
    seal, whole, save = kept.seal, kept.whole, kept.save
    seal(0, 16)
    heap_lock()
    try:
        seal(0, 16)
        whole(0, 16)
        save()
    finally:
        heap_unlock()
