"""Bytes of a stream -> whole MQTT packets, in one bounded buffer.

In: readinto of a stream that never blocks. Out: the first byte of each packet, its content in
body[:length].
Owns: where one packet ends and the next begins. A packet longer than the buffer is read past, so
that a big message cannot end the session again and again; one longer than _PACKET_MAX is not.
"""

from micropython import const

from tracker.uplink.stream import words

_CHUNK = const(256)
_PACKET_MAX = const(16_384)

_TYPE = const(0)
_LENGTH = const(1)
_BODY = const(2)


class PacketReader:
    def __init__(self, size):
        self.body = bytearray(size)
        self.length = 0
        self.why = None
        self._chunk = bytearray(_CHUNK)

    def attach(self, stream):
        self._readinto = stream.readinto
        self.why = None
        self._at = self._n = 0
        self._state = _TYPE

    def detach(self):
        self._readinto = None

    def next(self):
        """The first byte of the next whole packet; 0: none yet; -1: the end, why says why."""
        while True:
            while self._at < self._n:
                byte = self._chunk[self._at]
                self._at += 1
                if self._take(byte):
                    self._state = _TYPE
                    return self._op
                if self.why:
                    return -1
            try:
                n = self._readinto(self._chunk)
            except OSError as error:
                self.why = words(error)
                return -1
            if n is None:
                return 0
            if n == 0:
                self.why = "the broker closed the connection"
                return -1
            self._at = 0
            self._n = n

    def _take(self, byte):
        """One byte; True when it is the last of its packet."""
        if self._state == _BODY:
            if self._got < len(self.body):
                self.body[self._got] = byte
            self._got += 1
            return self._got == self.length
        if self._state == _TYPE:
            if byte < 0x10:
                self.why = "the broker sent a packet of type 0"
            self._op = byte
            self.length = self._shift = self._got = 0
            self._state = _LENGTH
            return False
        self.length |= (byte & 0x7F) << self._shift
        self._shift += 7
        if byte & 0x80:
            if self._shift == 28:
                self.why = "the broker sent a length without an end"
            return False
        if self.length > _PACKET_MAX:
            self.why = "the broker sent a packet of %d bytes" % self.length
            return False
        self._state = _BODY
        return self.length == 0
