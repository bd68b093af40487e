"""What receivers understand, from their makers' protocol specifications. Data for sim_receiver.py.

Owns: the order of fields and the numbers of messages. Written apart from the firmware's strings, so that the one is a
test of the other.
"""

# What all of them say when nobody has told them otherwise, each second.
ALL = ("RMC", "GGA", "GSA", "GSV", "GLL", "VTG")

# family: (dialects that it understands, its boot text, speaks without being asked)
FAMILIES = {
    "ublox6": (("ubx", "pubx"), "GPTXT,01,01,02,u-blox ag - www.u-blox.com", True),
    "ublox_nmea": (("pubx",), "GNTXT,01,01,02,u-blox AG - www.u-blox.com", True),
    "ublox_m10": (("valset",), "GNTXT,01,01,02,u-blox AG - www.u-blox.com", True),
    "mediatek": (("pmtk",), "PMTK011,MTKGPS", True),
    "casic": (("pcas",), "GPTXT,01,01,02,IC=AT6558-5N-31-0C510800", True),
    "casic_long": (("pcas_long",), "GPTXT,01,01,02,IC=AT6558F-5N-32-1C580901", True),
    "airoha": (("pair",), "PAIR010,0,0,2044,0", True),
    "deaf": ((), "GPTXT,01,01,02,www.example.com", True),
    "sim7000": (("sim7000",), "", False),
    "sim7600": (("sim7600",), "", False),
    "a7670": (("a7670",), "", False),
}

# UBX: class and id -> name; CFG-MSG names a sentence by 0xF0 and its number.
UBX_SENTENCES = {0: "GGA", 1: "GLL", 2: "GSA", 3: "GSV", 4: "RMC", 5: "VTG", 8: "ZDA"}

# CFG-VALSET: key -> what it sets on UART1; the size of a value is in the key's top bits.
VALSET_KEYS = {
    0x209100BB: "GGA", 0x209100CA: "GLL", 0x209100C0: "GSA", 0x209100C5: "GSV", 0x209100AC: "RMC", 0x209100B1: "VTG",
    0x30210001: "step_ms", 0x40520001: "baud",
}  # fmt: skip

PMTK314 = ("GLL", "RMC", "VTG", "GGA", "GSA", "GSV")  # then 13 fields of others
PMTK314_FIELDS = 19
PAIR062 = ("GGA", "GLL", "GSA", "GSV", "RMC", "VTG", "ZDA")
PCAS03 = ("GGA", "GLL", "GSA", "GSV", "RMC", "VTG", "ZDA")
PCAS03_FIELDS = {"pcas": 14, "pcas_long": 18}
PCAS01 = (4800, 9600, 19200, 38400, 57600, 115200)

# AT commands in the order in which they bring the sentences; what the modem says to each.
# The one that starts the output is the last; without those before it nothing is heard.
AT = {
    "sim7000": ("AT+CGNSNMEA=3", "AT+CGNSPWR=1", "AT+CGNSTST=1"),
    "sim7600": ("AT+CGPS=1", "AT+CGPSINFOCFG=1,3"),
    "a7670": ("AT+CGNSSPWR=1", "AT+CGNSSNMEA=1,0,0,0,1,0,0,0", "AT+CGNSSTST=1", "AT+CGNSSPORTSWITCH=0,1"),
}
AT_LATE = {"AT+CGNSSPWR=1": (9000, "+CGNSSPWR: READY!")}  # said so many ms after OK
AT_REFUSED = {"sim7000": ("AT+SGPIO=0,4,1,1",)}  # other firmware has it
