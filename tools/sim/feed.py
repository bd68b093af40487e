"""The feed: what a receiver says over time, as a file.

Frames of <u32 t_ms><u16 n><n bytes>, little-endian, t_ms ascending. t_ms counts from the start of
the world; it is when the burst's first byte starts on the line.
"""

import struct

HEAD = struct.Struct("<IH")
MOST = 0xFFFF


def write(path, frames):
    """Write (t_ms, data) pairs; returns how many frames. Long bursts go on in the next one."""
    count, last_ms = 0, 0
    with open(path, "wb") as file:
        for t_ms, data in frames:
            if t_ms < last_ms:
                raise ValueError("frame %d goes back from %d to %d ms" % (count, last_ms, t_ms))
            last_ms = t_ms
            for start in range(0, len(data), MOST):
                part = data[start : start + MOST]
                file.write(HEAD.pack(t_ms, len(part)) + part)
                count += 1
    return count


def read(path):
    """Yield (t_ms, data); a frame cut off at the file's end is an error, not a short frame."""
    with open(path, "rb") as file:
        while head := file.read(HEAD.size):
            if len(head) < HEAD.size:
                raise ValueError("the feed ends inside a frame's head")
            t_ms, n = HEAD.unpack(head)
            data = file.read(n)
            if len(data) < n:
                raise ValueError("the feed ends inside a frame at %d ms" % t_ms)
            yield t_ms, data
