"""make demo as a newcomer sees it: the words, the table, the exit code."""

import os
import random
import re
import socket
import subprocess
import sys

import pytest
from setup.place import ROOT

pytestmark = pytest.mark.e2e


def demo(**environment):
    """(exit code, what it printed)"""
    env = {**os.environ, "PORT": "0", "NMEA": "", "SAMPLE": "", **environment}
    done = subprocess.run([sys.executable, str(ROOT / "tools/demo.py")], env=env, stdin=subprocess.DEVNULL, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=240)
    return done.returncode, done.stdout


def figure(text, name):
    return float(re.search(r"^ *%s +([\d.]+)$" % re.escape(name), text, re.MULTILINE).group(1))


def test_the_round_is_whole_and_the_table_says_so():
    code, text = demo()
    assert code == 0 and "Whole: " in text
    assert [figure(text, name) for name in ("lost", "twice", "unexplained seconds")] == [0, 0, 0]
    assert figure(text, "kept") == figure(text, "appended to flash") == figure(text, "stored in the database") > 300
    assert figure(text, "fixes read from the receiver") > 20_000
    assert figure(text, "worst distance of an accepted fix from the trail, m") <= 10.2
    assert figure(text, "whole demo, s") <= 120 and figure(text, "first point on the map after, s") <= 10
    assert "supply lost" in text and "% driven" in text and "http://127.0.0.1:" in text


def test_noise_for_a_log_is_no_success(tmp_path):
    (tmp_path / "noise").write_bytes(random.Random(5).randbytes(20_000))
    code, text = demo(NMEA=str(tmp_path / "noise"))
    assert code == 1 and "hold no position" in text and "NOT WHOLE" in text and "Traceback" not in text


def test_a_log_that_is_not_there_and_a_taken_port():
    assert demo(NMEA="/no/such/log.nmea") == (2, "NMEA=/no/such/log.nmea: there is no such file.\n")
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        code, text = demo(PORT=str(other.getsockname()[1]))
    assert code == 1 and "choose another port" in text and "PORT=8081" in text and "Traceback" not in text
