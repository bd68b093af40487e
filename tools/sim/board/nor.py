"""A NOR flash chip: programming only clears bits, erasing is by sector, power may go at any byte.

In: the calls of esp32.Partition (readblocks, writeblocks, ioctl), or read, program and erase.
Out: OSError with the driver's number for what it refuses; PowerCut where `cut` says.
Owns: the counters of operations and the wear of each sector.

Runs on CPython and on the VM; programming cells in RAM allocates nothing.
"""

from array import array

_INVALID_SIZE = -0x104  # ESP_ERR_INVALID_SIZE: past the end of the partition
_EINVAL = -22
_CHUNK = 256


class PowerCut(BaseException):
    """The supply went during an operation. Not an Exception: no handler may outlive it."""


class RamStore:
    """The cells in memory. A bytearray is used itself: it can be put into the next chip."""

    def __init__(self, cells):
        self.cells = cells if isinstance(cells, bytearray) else bytearray(cells)

    def read(self, off, buf, n):
        cells = self.cells
        for i in range(n):
            buf[i] = cells[off + i]

    def clear(self, off, buf, n):
        cells = self.cells
        for i in range(n):
            cells[off + i] &= buf[i]

    def put(self, off, buf, n):
        cells = self.cells
        for i in range(n):
            cells[off + i] = buf[i]


class FileStore:
    """The cells in a file, written through at once, so that a killed process leaves the chip."""

    def __init__(self, path):
        self._file = open(path, "r+b", buffering=0)
        self._old = bytearray(_CHUNK)

    def read(self, off, buf, n):
        self._file.seek(off)
        self._file.readinto(memoryview(buf)[:n])

    def clear(self, off, buf, n):
        old = self._old
        for start in range(0, n, _CHUNK):
            size = min(_CHUNK, n - start)
            self.read(off + start, old, size)
            for i in range(size):
                old[i] &= buf[start + i]
            self.put(off + start, old, size)

    def put(self, off, buf, n):
        self._file.seek(off)
        self._file.write(memoryview(buf)[:n])


class NorFlash:
    """One data partition. store: None (a blank chip), its cells as bytes, or like FileStore.

    cut = (op, nth, byte, torn): the nth "program" or "erase" of this chip's life is not finished.
    torn "prefix": the first `byte` bytes are done, the rest is untouched. torn "random": besides,
    the byte in flight has some of its bits done, and a half-erased sector has bits set anywhere.
    """

    def __init__(self, size, sector=4096, store=None, seed=1):
        self.size = size
        self.sector = sector
        if store is None:
            store = bytearray(b"\xff" * size)
        self.store = (
            store if hasattr(store, "clear") and hasattr(store, "put") else RamStore(store)
        )
        self.program_calls = 0
        self.program_bytes = 0
        self.erases = 0
        self.wear = array("I", bytes(4 * (size // sector)))
        self.cut = None
        self._random = seed * 7919 & 0x7FFFF
        self._one = bytearray(1)
        self._blank = b"\xff" * _CHUNK
        for _ in range(8):  # neighbouring seeds part
            self._bits()

    def read(self, off, buf, n=None):
        n = len(buf) if n is None else n
        self._check(off, n)
        self.store.read(off, buf, n)

    def program(self, off, buf, n=None):
        n = len(buf) if n is None else n
        self._check(off, n)
        self.program_calls += 1
        self.program_bytes += n
        cut = self.due("program", self.program_calls)
        if cut is not None:
            self._tear_program(off, buf, n, cut)
        self.store.clear(off, buf, n)

    def erase(self, index):
        self._check(index * self.sector, self.sector)
        self.erases += 1
        self.wear[index] += 1
        cut = self.due("erase", self.erases)
        if cut is not None:
            self._tear_erase(index * self.sector, cut)
        self._blank_out(index * self.sector, self.sector)

    def due(self, op, nth):
        """The cut of this operation, or None. The board, which has a list, overrides this."""
        cut = self.cut
        return cut if cut is not None and cut[0] == op and cut[1] == nth else None

    # esp32.Partition

    def readblocks(self, block, buf, off=0):
        self.read(block * self.sector + off, buf, len(buf))

    def writeblocks(self, block, buf, off=None):
        """Without an offset the driver erases first; with one it only programs."""
        if off is None:
            if len(buf) % self.sector:
                raise OSError(_INVALID_SIZE, "ESP_ERR_INVALID_SIZE")
            for index in range(len(buf) // self.sector):
                self.erase(block + index)
        self.program(block * self.sector + (off or 0), buf, len(buf))

    def ioctl(self, op, arg=0):
        if op == 4:
            return self.size // self.sector
        if op == 5:
            return self.sector
        if op == 6:
            if self.sector != 4096:
                return _EINVAL
            self.erase(arg)
        return 0

    # inside

    def _check(self, off, n):
        if off < 0 or n < 0 or off + n > self.size:
            raise OSError(_INVALID_SIZE, "ESP_ERR_INVALID_SIZE")

    def _blank_out(self, off, n):
        for start in range(off, off + n, _CHUNK):
            self.store.put(start, self._blank, min(_CHUNK, off + n - start))

    def _tear_program(self, off, buf, n, cut):
        done = min(cut[2], n)
        self.store.clear(off, buf, done)
        if cut[3] == "random" and done < n:
            self._one[0] = buf[done] | self._bits()
            self.store.clear(off + done, self._one, 1)
        raise PowerCut("program")

    def _tear_erase(self, off, cut):
        done = min(cut[2], self.sector)
        self._blank_out(off, done)
        if cut[3] == "random":
            for at in range(off + done, off + self.sector):
                self.store.read(at, self._one, 1)
                self._one[0] |= self._bits() & self._bits()
                self.store.put(at, self._one, 1)
        raise PowerCut("erase")

    def _bits(self):
        """Eight random bits from a seeded generator that stays within the VM's small integers."""
        self._random = (self._random * 1109 + 12345) & 0x7FFFF
        return self._random >> 11
