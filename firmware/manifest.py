"""Freezes the application into MicroPython: its code then runs from flash and takes the least of the heap (docs/memory.md).

For MicroPython's own build, after `make libs` here:
    make -C ports/esp32 BOARD=ESP32_GENERIC FROZEN_MANIFEST=<this file>
boot.py, main.py, board.json and settings.json stay files, as tools/flash.py puts them there. A folder tracker/ beside
them is found before the frozen one: good for a trial, wrong to forget.
"""

include("$(PORT_DIR)/boards/manifest.py")  # noqa: F821 - asyncio, umqtt.simple and what else the stock build freezes
package("tracker")  # noqa: F821
module("micropyGPS.py", base_path="lib")  # noqa: F821 - the second parser
