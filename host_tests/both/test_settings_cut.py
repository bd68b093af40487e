"""The power goes at each flash operation of a save: the real littlefs, on a disk that dies. Only MicroPython has it."""

import os

from test_settings import _bytes
from tracker.system.settings import FILE, SettingsFile, read

_BLOCK, _BLOCKS = 4096, 16
_HERE = hasattr(os, "VfsLfs2")


class Disk:
    """nth: the write or erase at which the power goes, with so many of its bytes done."""

    def __init__(self, data=None, nth=0, share=0):
        self.data = bytearray(data or b"\xff" * (_BLOCK * _BLOCKS))
        self._left, self._share = nth, share
        self.dead = False

    def readblocks(self, block, buf, off=0):
        at = block * _BLOCK + off
        buf[:] = self.data[at : at + len(buf)]
        return -5 if self.dead else 0

    def writeblocks(self, block, buf, off=0):
        return self._put(block * _BLOCK + off, bytes(buf))

    def ioctl(self, op, arg):
        if op == 6:
            return self._put(arg * _BLOCK, b"\xff" * _BLOCK)
        return {4: _BLOCKS, 5: _BLOCK}.get(op, 0)

    def _put(self, at, data):
        if self.dead:
            return -5
        self._left -= 1
        self.dead = self._left == 0
        if self.dead:
            data = data[: len(data) * self._share // 2]
        self.data[at : at + len(data)] = data
        return -5 if self.dead else 0


def _mounted(disk, do):
    """What do(store) gives, None if the disk died."""
    os.mount(os.VfsLfs2(disk, readsize=32, progsize=32, lookahead=32), "/cut")
    try:
        return do(SettingsFile("/cut/"))
    except OSError:
        return None
    finally:
        os.umount("/cut")


def _survives(start, do):
    """Cuts at every step of do, and what is found after each."""
    found = []
    nth = 0
    while True:
        nth += 1
        for share in (0, 1, 2):
            disk = Disk(start, nth, share)
            _mounted(disk, do)
            if not disk.dead:
                return nth, found
            settings = _mounted(Disk(disk.data), lambda store: store.load("x"))
            assert settings.source == FILE and settings.problems == [], (nth, share, settings.problems)
            found.append(settings.bound_m)


def test_a_cut_at_any_step_of_a_save_leaves_the_old_or_the_new():
    if not _HERE:
        return
    disk = Disk()
    os.VfsLfs2.mkfs(disk, readsize=32, progsize=32, lookahead=32)
    old, new = read(_bytes(bound_m=20))[0], read(_bytes(bound_m=30))[0]
    assert _mounted(disk, lambda store: store.save(old) or store.load()).problems == []
    steps, found = _survives(disk.data, lambda store: store.save(new))
    assert steps > 5 and set(found) == {20, 30}, (steps, found)
    assert sorted(found) == found  # from one step on it is the new one
    _mounted(disk, lambda store: store.save(new))
    steps, found = _survives(disk.data, lambda store: store.load())  # it writes the copy
    assert steps > 5 and set(found) == {30}, (steps, found)
