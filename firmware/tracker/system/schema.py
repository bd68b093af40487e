"""The settings as data, one row a setting; the sentences for people are in schema_text.py.

Out: ROWS, in the order in which a settings file is written; ESSENTIAL.
Read at boot and let go: what a row costs is heap only until then.
"""

from micropython import const

# A row is (key, kind, default, limits, unit, secret, restart). restart: a change takes effect at the next start, because
# rooms take their settings when they are built; False: the rooms look it up in the settings each time. Limits by kind:
INT = const(1)  # (lowest, highest)
TEXT = const(2)  # (fewest, most) bytes of UTF-8; "" is always allowed and means: not set
NAME = const(3)  # as TEXT, of A-Z a-z 0-9 - _ only: it becomes a level of an MQTT topic
HEX = const(4)  # number of bytes; hexadecimal digits in the file, bytes in the attribute
CHOICE = const(5)  # the words to choose from
HOST = const(6)  # as TEXT, of A-Z a-z 0-9 - _ . : only: a name or an address, no URL

ROWS = (
    ("device_id", NAME, "", (1, 32), "", False, True),  # default: made from the chip's own number
    ("device_key", HEX, b"", 32, "", True, True),
    ("wifi_ssid", TEXT, "", (1, 32), "", False, True),  # 32 bytes: IEEE 802.11
    ("wifi_password", TEXT, "", (8, 64), "", True, True),  # 8..63 characters or 64 digits: WPA
    ("wifi2_ssid", TEXT, "", (1, 32), "", False, True),
    ("wifi2_password", TEXT, "", (8, 64), "", True, True),
    ("apn", HOST, "", (1, 63), "", False, True),
    ("apn_user", TEXT, "", (1, 32), "", False, True),
    ("apn_password", TEXT, "", (1, 32), "", True, True),
    ("sim_pin", NAME, "", (4, 8), "", True, True),
    ("cellular_mb_month", INT, 0, (0, 100_000), "", False, True),  # 0: no limit
    ("backlog_wait_min", INT, 0, (0, 10_080), "min", False, True),  # 0: it does not wait
    ("broker_host", HOST, "", (1, 64), "", False, True),
    ("broker_port", INT, 8883, (1, 65535), "", False, True),
    ("broker_tls", CHOICE, "required", ("required", "off"), "", False, True),
    ("broker_user", TEXT, "", (1, 64), "", False, True),
    ("broker_password", TEXT, "", (1, 64), "", True, True),
    ("dns_server", HOST, "", (7, 15), "", False, True),  # an IPv4 address
    ("keepalive_s", INT, 60, (15, 600), "s", False, True),
    ("keepalive_parked_s", INT, 900, (60, 900), "s", False, True),
    ("parser", CHOICE, "lacak", ("lacak", "micropygps"), "", False, True),
    ("sample", CHOICE, "bound", ("bound", "all"), "", False, True),
    ("bound_m", INT, 10, (2, 100), "m", False, True),
    ("silence_moving_s", INT, 60, (5, 60), "s", False, True),  # more is unexplained to the station
    ("silence_parked_s", INT, 300, (60, 300), "s", False, True),  # and so is this, at a stop
    ("live_s", INT, 60, (1, 3600), "s", False, False),
    ("live_m", INT, 50, (10, 500), "m", False, False),
    ("batch_s", INT, 60, (5, 3600), "s", False, False),
    ("ahead_blocks", INT, 32, (4, 64), "blocks", False, True),
    ("keep_acked_days", INT, 14, (1, 365), "d", False, True),
    ("sleep_after_min", INT, 0, (0, 1440), "min", False, True),  # 0: never; how sure is it that the ignition wakes it?
    ("heartbeat_min", INT, 60, (0, 1440), "min", False, True),
    ("shift_from_min", INT, 0, (0, 1439), "min", False, True),
    ("shift_to_min", INT, 0, (0, 1439), "min", False, True),
    ("utc_offset_min", INT, 420, (-720, 840), "min", False, True),
    ("supply_low_mv", INT, 0, (0, 30000), "mV", False, True),
    ("gnss_baud", INT, 9600, (4800, 115200), "Bd", False, True),
)

# What the truck needs to reach the office: kept in NVS too, for the day on which no file can be read.
ESSENTIAL = (
    "device_id",
    "device_key",
    "wifi_ssid",
    "wifi_password",
    "apn",
    "apn_user",
    "apn_password",
    "sim_pin",
    "broker_host",
    "broker_port",
    "broker_tls",
    "broker_user",
    "broker_password",
    "dns_server",
)
