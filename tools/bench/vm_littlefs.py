"""Runs on the VM: a file of fixes into a file on littlefs, 32 bytes and a flush each.

Prints fixes, bytes programmed, erases. The flash is a block device in RAM that counts;
formatting and mounting are not counted.
"""

import os
import sys

from bench.vm_fixes import read_fixes

BLOCK = 4096
BLOCKS = 512
RECORD = 32  # bytes that hold a fix as it is, and a check


class CountingRam:
    def __init__(self):
        self.cells = bytearray(BLOCK * BLOCKS)
        self.programmed = self.erases = 0

    def readblocks(self, block, buf, off=0):
        at = block * BLOCK + off
        buf[:] = self.cells[at : at + len(buf)]

    def writeblocks(self, block, buf, off=0):
        at = block * BLOCK + off
        self.cells[at : at + len(buf)] = buf
        self.programmed += len(buf)

    def ioctl(self, op, arg):
        if op == 4:
            return BLOCKS
        if op == 5:
            return BLOCK
        if op == 6:
            self.erases += 1
        return 0


def main(path):
    fixes = read_fixes(path)
    ram = CountingRam()
    os.VfsLfs2.mkfs(ram)
    files = os.VfsLfs2(ram)
    file = files.open("journal", "ab")
    record = bytearray(RECORD)
    begin = ram.programmed, ram.erases
    for fix in fixes:
        record[0:4] = fix.sec.to_bytes(4, "little")
        record[4:8] = (fix.lat_udeg & 0xFFFFFFFF).to_bytes(4, "little")
        record[8:12] = (fix.lon_udeg & 0xFFFFFFFF).to_bytes(4, "little")
        file.write(record)
        file.flush()
    print(len(fixes), ram.programmed - begin[0], ram.erases - begin[1])


main(sys.argv[1])
