"""The set-up's own promises, without a network: what it refuses, where it looks, how it counts."""

import os
import subprocess
import sys
import time

import pytest
from setup import debs, frozen, libs, logs, stages, vm
from setup.place import ROOT, Missing


def test_library_with_other_content_is_refused():
    entry = {
        "sha256": "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
    }  # of b"hello"
    assert libs.check("a.py", entry, b"hello") == b"hello"
    with pytest.raises(Missing, match="a.py was refused"):
        libs.check("a.py", entry, b"hello!")


def test_line_ends_are_made_one_byte_before_the_hash():
    entry = {
        "sha256": "98ea6e4f216f2fb4b69fff9b3a44842c38686ca685f3f55dc48c5d3fb1107be4"
    }  # of b"hi\n"
    assert libs.check("a.py", entry, b"hi\r\n") == b"hi\n"


def test_every_pin_is_a_whole_one():
    for entry in [*libs.lock().values(), *logs.LOGS.values()]:
        assert len(entry["sha256"]) == 64 and len(entry["commit"]) == 40 and entry["licence"]


def test_suites_are_tried_in_order(monkeypatch, tmp_path):
    tried = []

    def one(suite, packages, arch, dest):
        tried.append(suite)
        if suite != "second":
            raise Missing("broken index")

    monkeypatch.setattr(debs, "_unpack_from", one)
    assert debs.unpack(["p"], ("first", "second", "third"), "amd64", tmp_path) == "second"
    assert tried == ["first", "second"]
    with pytest.raises(Missing, match="first: broken index; third: broken index"):
        debs.unpack(["p"], ("first", "third"), "amd64", tmp_path)


def test_the_archive_is_the_one_that_apt_uses(monkeypatch):
    printed = """
        'http://other.example/pool/dists/trixie/InRelease' a_InRelease 0
        'http://near.example/debian-security/dists/trixie-security/InRelease' b_InRelease 0
        'http://near.example/debian/dists/trixie/InRelease' c_InRelease 0
        'http://near.example/debian/dists/trixie/main/binary-amd64/Packages.xz' d_Packages 0
    """
    monkeypatch.setattr(debs, "run", lambda command: printed)
    monkeypatch.setattr(debs, "_os_release", {"ID": "debian", "VERSION_CODENAME": "trixie"}.get)
    assert debs.mirrors() == ["http://near.example/debian", "http://other.example/pool"]


def test_no_debian_no_archive(monkeypatch):
    monkeypatch.setattr(debs, "_os_release", {"ID": "plan9"}.get)
    with pytest.raises(Missing, match="no Debian"):
        debs.mirrors()


@pytest.mark.parametrize(
    "answer, good",
    [
        ('["micropython", [1, 25, 0], 64]', True),
        ('["micropython", [1, 23, 0], 64]', False),
        ('["micropython", [1, 25, 0], 32]', False),
        ('["cpython", [3, 11, 2], 64]', False),
        ("Hello", False),
    ],
)
def test_only_a_vm_that_fits_is_taken(monkeypatch, answer, good):
    monkeypatch.setattr(vm, "run", lambda command, timeout_s: answer)
    assert vm._is_good(["micropython"], 64) == good


def test_vm_that_was_not_set_up_is_said(monkeypatch, tmp_path):
    monkeypatch.setattr(vm, "HOME", tmp_path)
    with pytest.raises(Missing, match="make vm"):
        vm.vm_command(32)


def test_a_run_that_ended_badly_never_counts_as_good(tmp_path):
    assert str(stages.read_report(tmp_path / "none.xml", -1)) == "0 passed, 1 failed"
    assert str(stages.read_report(tmp_path / "none.xml", 5)) == "0 passed, 0 failed"
    report = tmp_path / "r.xml"
    report.write_text('<x><testsuite tests="7" failures="1" errors="2" skipped="1"/></x>')
    assert str(stages.read_report(report, 1)) == "3 passed, 3 failed, 1 skipped"


def test_a_stage_that_hangs_is_ended_with_its_children(tmp_path):
    script = (
        "import subprocess; subprocess.Popen(['sh', '-c', 'sleep 2; touch %s/alive']).wait()"
        % tmp_path
    )
    assert stages.run_within([sys.executable, "-c", script], 1) == -1
    time.sleep(1.5)
    assert not (tmp_path / "alive").exists()


@pytest.mark.parametrize("ci, outcome", [("", "1 skipped"), ("1", "1 failed")])
def test_in_ci_a_skip_is_a_failure(tmp_path, ci, outcome):
    (tmp_path / "conftest.py").write_text((ROOT / "host_tests/conftest.py").read_text())
    (tmp_path / "test_it.py").write_text(
        "import pytest\ndef test_it():\n    pytest.skip('no moon')\n"
    )
    said = run_pytest(tmp_path, ci)
    assert outcome in said and "no moon" in said


def test_marker_skips_with_what_to_do(tmp_path):
    (tmp_path / "conftest.py").write_text((ROOT / "host_tests/conftest.py").read_text())
    (tmp_path / "test_it.py").write_text(
        "import pytest\n@pytest.mark.logs\ndef test_it():\n    assert 0\n"
    )
    assert "SKIPPED" in run_pytest(tmp_path, "") and "make logs" in run_pytest(tmp_path, "1")


def run_pytest(folder, ci):
    env = {**os.environ, "CI": ci, "LACAK_LOGS": str(folder), "PYTHONPATH": str(ROOT / "tools")}
    command = [sys.executable, "-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider", "."]
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True).stdout


def test_what_the_frozen_build_lacks_is_said(monkeypatch, tmp_path):
    monkeypatch.setattr(frozen.shutil, "which", lambda name: None)
    with pytest.raises(Missing, match="apt-get install gcc make"):
        frozen.command()
    monkeypatch.setattr(frozen, "HOME", tmp_path)

    def other(package, suite, dest):
        dest.mkdir()
        (dest / "micropython_1.orig.tar.xz").write_bytes(b"other")

    monkeypatch.setattr(debs, "source", other)
    with pytest.raises(Missing, match="trixie: micropython_1.orig.tar.xz was refused.*testing: "):
        frozen._source()
