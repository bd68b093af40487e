"""What this build is called and when it was made: no receiver's clock is believed before that second."""

from micropython import const

VERSION = "0.1.0"
BUILD_SEC = const(215654400)  # 2026-11-01 00:00:00 UTC, in seconds since 2020
