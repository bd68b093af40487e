"""Freezes the application into MicroPython: its code then runs from flash and takes the least of the heap (docs/memory.md).

`tools/flash.py freeze` lays it out with its constants folded, and says the commands of MicroPython's own build. boot.py,
main.py, board.json and settings.json stay files, as `tools/flash.py flash --frozen` puts them there. A folder tracker/ beside
them is found before the frozen one: good for a trial, wrong to forget.
"""

options.defaults(stock="$(PORT_DIR)/boards/manifest.py")  # noqa: F821 - asyncio, umqtt.simple and what else the port's build freezes
include(options.stock)  # noqa: F821
package("tracker")  # noqa: F821
module("micropyGPS.py", base_path="lib")  # noqa: F821 - the second parser
