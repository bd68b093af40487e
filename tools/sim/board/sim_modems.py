"""How four families of modems behave, from their makers' manuals and boards' examples. Data for sim_modem.py and sim_at.py.

Owns: times, words, what each lets out. Written apart from the firmware's own table, so that the one is a test of the
other. Times in milliseconds. Where no source was at hand the value is a guess on the slow side, marked so.
"""

MODELS = {
    "a7670": {
        "name": "A7670E-FASE", "baud": 115200, "on_ms": 50, "off_ms": 2500, "boot_ms": 9000, "down_ms": 2000,
        "boot": ((0, "*ATREADY: 1"), (400, "+CPIN: READY"), (2500, "SMS DONE"), (3000, "PB DONE")),
        "regs": ("CREG", "CGREG", "CEREG"), "reg_ms": 8000, "tech": 7,
        "iccid": ("+CICCID", "+ICCID: %s"), "cgauth": True, "down": "+CPOF", "goodbye": "", "cme": 2,
        "connect": "CONNECT 115200", "dial_ms": 400, "wrong_apn": "ERROR", "clock": "70/01/01,00:00:10+00",
    },
    "sim7600": {
        "name": "SIMCOM_SIM7600G-H", "baud": 115200, "on_ms": 400, "off_ms": 2500, "boot_ms": 14000, "down_ms": 5000,
        "boot": ((0, "RDY"), (300, "+CPIN: READY"), (3000, "SMS DONE"), (5000, "PB DONE")),
        "regs": ("CREG", "CGREG", "CEREG"), "reg_ms": 7000, "tech": 7,
        "iccid": ("+CICCID", "+ICCID: %s"), "cgauth": True, "down": "+CPOF", "goodbye": "", "cme": 2,
        "connect": "CONNECT 115200", "dial_ms": 300, "wrong_apn": "NO CARRIER", "clock": "80/01/06,00:00:10+00",
    },
    "sim7000": {
        "name": "SIMCOM_SIM7000G", "baud": 0, "on_ms": 1000, "off_ms": 1200, "boot_ms": 4500, "down_ms": 1800,
        "boot": ((0, "RDY"), (50, "+CFUN: 1"), (900, "+CPIN: READY"), (3500, "SMS Ready")),
        "regs": ("CREG", "CGREG", "CEREG"), "reg_ms": 25000, "tech": 7,  # a first search over LTE-M bands: a guess
        "iccid": ("+CCID", "%s"), "cgauth": False, "down": "+CPOWD=1", "goodbye": "NORMAL POWER DOWN", "cme": 0,
        "connect": "CONNECT 150000000", "dial_ms": 800, "wrong_apn": "NO CARRIER", "clock": "80/01/06,00:00:10+00",
    },
    "sim800": {
        "name": "SIMCOM_SIM800L", "baud": 0, "on_ms": 1000, "off_ms": 1500, "boot_ms": 3000, "down_ms": 3000,
        "boot": ((0, "RDY"), (50, "+CFUN: 1"), (700, "+CPIN: READY"), (4500, "Call Ready"), (5000, "SMS Ready")),
        "regs": ("CREG", "CGREG"), "reg_ms": 9000, "tech": 0, "starts": True,  # when power comes
        "iccid": ("+CCID", "%s"), "cgauth": False, "down": "+CPOWD=1", "goodbye": "NORMAL POWER DOWN", "cme": 0,
        "connect": "CONNECT", "dial_ms": 1200, "wrong_apn": "", "clock": "04/01/01,00:00:10+00",
    },
}  # fmt: skip
# "wrong_apn": what is said at the call. "": the call stands, and the far end hangs up after the first talk.

ICCID = "8962100000000000017"
OPERATOR = ("51010", "TELKOMSEL")

# What a +CME ERROR says by number and in words (27.007 §9.2).
CME = {
    "no sim": (10, "SIM not inserted"), "pin": (11, "SIM PIN required"), "puk": (12, "SIM PUK required"),
    "busy": (14, "SIM busy"), "password": (16, "incorrect password"), "": (100, "unknown"),
}  # fmt: skip

# Commands that any of them takes and that change nothing here.
TAKEN = (
    "+CTZU", "+CTZR", "+CLTS", "+IFC", "+ICF", "+CNMP", "+CMNB", "+CSCLK",
    "+CSDH", "+CNMI", "+CMGF", "+CNSMOD", "+CGEREP", "+CVHU", "+CSCS", "&F", "&C", "&S", "&K", "X", "S0", "V1", "Q0",
    "Z", "+IPREX",
)  # fmt: skip
