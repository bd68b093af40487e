"""How each family of receivers is told: RMC and GGA at 1 Hz, GSA every 5 s where it can, and nothing else.

Owns: the strings, as the makers' protocol specifications have them. A receiver passes over a dialect that is not its
    own, so all can be tried in this order. Nothing is saved in the receiver: its flash wears, and it is told again at
    each start. Loaded when needed and let go.
"""

# (name, messages). A message is bytes, or (bytes, answer to wait for, ms to wait at most).
DIALECTS = (
    ("ubx", (  # u-blox 6 to 9, binary: CFG-MSG for GLL, GSV, VTG, ZDA, GSA, RMC, GGA, then CFG-RATE
        b"\xb5\x62\x06\x01\x03\x00\xf0\x01\x00\xfb\x11",
        b"\xb5\x62\x06\x01\x03\x00\xf0\x03\x00\xfd\x15",
        b"\xb5\x62\x06\x01\x03\x00\xf0\x05\x00\xff\x19",
        b"\xb5\x62\x06\x01\x03\x00\xf0\x08\x00\x02\x1f",
        b"\xb5\x62\x06\x01\x03\x00\xf0\x02\x05\x01\x18",
        b"\xb5\x62\x06\x01\x03\x00\xf0\x04\x01\xff\x18",
        b"\xb5\x62\x06\x01\x03\x00\xf0\x00\x01\xfb\x10",
        b"\xb5\x62\x06\x08\x06\x00\xe8\x03\x01\x00\x01\x00\x01\x39",
    )),
    ("pubx", (  # u-blox that listens to NMEA only
        b"$PUBX,40,GLL,0,0,0,0,0,0*5C\r\n",
        b"$PUBX,40,GSV,0,0,0,0,0,0*59\r\n",
        b"$PUBX,40,VTG,0,0,0,0,0,0*5E\r\n",
        b"$PUBX,40,GSA,0,5,0,0,0,0*4B\r\n",
        b"$PUBX,40,RMC,0,1,0,0,0,0*46\r\n",
        b"$PUBX,40,GGA,0,1,0,0,0,0*5B\r\n",
    )),
    ("pmtk", (  # MediaTek MT333x; the last: a slow truck is not to be frozen in its place
        b"$PMTK314,0,1,0,1,5,0,0,0,0,0,0,0,0,0,0,0,0,0,0*2D\r\n",
        b"$PMTK220,1000*1F\r\n",
        b"$PMTK386,0*23\r\n",
    )),
    ("pcas", (  # CASIC: AT6558, ATGM336H, Quectel L76K; older and newer firmware count the fields differently
        b"$PCAS03,1,0,5,0,1,0,0,0,0,0,,,0,0*07\r\n",
        b"$PCAS03,1,0,5,0,1,0,0,0,0,0,,,0,0,,,,0*37\r\n",
        b"$PCAS02,1000*2E\r\n",
    )),
    ("pair", (  # Airoha AG33xx: Quectel LC86, L89
        b"$PAIR062,0,1*3F\r\n",
        b"$PAIR062,4,1*3B\r\n",
        b"$PAIR062,1,0*3F\r\n",
        b"$PAIR062,2,5*39\r\n",
        b"$PAIR062,3,0*3D\r\n",
        b"$PAIR062,5,0*3B\r\n",
        b"$PAIR050,1000*12\r\n",
    )),
    ("valset", (  # u-blox M10 dropped CFG-MSG: keys of UART1, in RAM and battery-backed RAM
        b"\xb5\x62\x06\x8a\x18\x00\x00\x03\x00\x00\xca\x00\x91\x20\x00\xc5\x00\x91\x20\x00"
        b"\xb1\x00\x91\x20\x00\xc0\x00\x91\x20\x00\x6f\x72",  # GLL, GSV, VTG, GSA off
        b"\xb5\x62\x06\x8a\x09\x00\x00\x03\x00\x00\xc0\x00\x91\x20\x05\x12\xf9",  # GSA every 5th
        b"\xb5\x62\x06\x8a\x0e\x00\x00\x03\x00\x00\xac\x00\x91\x20\x01\xbb\x00\x91\x20\x01\x6c\x5e",  # RMC, GGA
        b"\xb5\x62\x06\x8a\x0a\x00\x00\x03\x00\x00\x01\x00\x21\x30\xe8\x03\xda\xd6",  # 1 Hz
    )),
)  # fmt: skip

# Receivers inside a SIMCom modem, which is silent until it is asked. GSA comes each second or never: never.
GREETING = b"AT\r\n"
GREETING_ANSWER = b"OK\r"

MODEMS = (
    ("sim7000", (
        (b"AT+CGPIO=0,48,1,1\r\n", b"OK\r", 1000),  # the antenna's amplifier; older firmware:
        (b"AT+SGPIO=0,4,1,1\r\n", b"OK\r", 1000),
        (b"AT+CGNSNMEA=3\r\n", b"OK\r", 1000),
        (b"AT+CGNSRTMS=1000\r\n", b"OK\r", 1000),
        (b"AT+CGNSPWR=1\r\n", b"OK\r", 2000),
        (b"AT+CGNSTST=1\r\n", b"OK\r", 1000),
    )),
    ("sim7600", (
        (b"AT+CVAUXS=1\r\n", b"OK\r", 1000),  # the antenna's supply
        (b"AT+CGPSNMEARATE=0\r\n", b"OK\r", 1000),  # 0 is 1 Hz here, 1 is 10 Hz
        (b"AT+CGPS=1\r\n", b"OK\r", 2000),
        (b"AT+CGPSINFOCFG=1,3\r\n", b"OK\r", 1000),
    )),
    ("a7670", (
        (b"AT+CGNSSPWR=1\r\n", b"READY!", 30000),  # 9 to 30 s
        (b"AT+CGNSSNMEA=1,0,0,0,1,0,0,0\r\n", b"OK\r", 1000),
        (b"AT+CGPSNMEARATE=1\r\n", b"OK\r", 1000),
        (b"AT+CGNSSTST=1\r\n", b"OK\r", 1000),
        (b"AT+CGNSSPORTSWITCH=0,1\r\n", b"OK\r", 1000),
    )),
)  # fmt: skip
