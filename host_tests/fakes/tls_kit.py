"""A city's CA and its Mosquitto, made anew for a test: ECDSA P-256, listeners with a certificate each.

In: a folder. Out: files as a board and a broker have them; ports that answer.
"""

import contextlib
import datetime
import getpass
import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from ports import free_port
from setup.place import ROOT

HOST = "broker.tangerang.example"
DAY = datetime.timedelta(days=1)


def now():
    return datetime.datetime.now(datetime.timezone.utc)


class Signed:
    """A certificate and its key; signer None: signed by itself."""

    def __init__(self, name, signer=None, ca=False, days=(-1, 30)):
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        builder = (
            x509.CertificateBuilder()
            .subject_name(self.subject)
            .issuer_name(signer.subject if signer else self.subject)
            .public_key(self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now() + days[0] * DAY)
            .not_valid_after(now() + days[1] * DAY)
            .add_extension(x509.BasicConstraints(ca, 0 if ca else None), True)
        )
        if not ca:
            builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), False)
        self.certificate = builder.sign((signer or self).key, hashes.SHA256())

    def der(self):
        return self.certificate.public_bytes(serialization.Encoding.DER)

    def pem(self):
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def key_pem(self):
        kind = serialization.PrivateFormat.TraditionalOpenSSL
        return self.key.private_bytes(serialization.Encoding.PEM, kind, serialization.NoEncryption())


def listener(folder, name, signed, ca=None, *lines):
    """(port, its lines of mosquitto.conf): TLS with this certificate; ca: trucks must show one of its."""
    folder = Path(folder)
    port = free_port()
    (folder / (name + ".crt")).write_bytes(signed.pem())
    (folder / (name + ".key")).write_bytes(signed.key_pem())
    text = ["listener %d 127.0.0.1" % port]
    text += ["certfile %s" % (folder / (name + ".crt")), "keyfile %s" % (folder / (name + ".key"))]
    if ca:
        (folder / "ca.pem").write_bytes(ca.pem())
        text += ["cafile %s" % (folder / "ca.pem"), "require_certificate true"]
    return port, [*text, *lines]


@contextlib.contextmanager
def mosquitto(command, folder, ports, lines, openssl=""):
    """A Mosquitto with these lines; openssl: its openssl.cnf, for what Mosquitto has no setting."""
    folder = Path(folder)
    config = folder / ("mosquitto-%d.conf" % ports[0])
    # As root Mosquitto becomes a user of its own, who cannot read a test's folder.
    config.write_text("\n".join(["user %s" % getpass.getuser(), *lines, ""]))
    env = dict(os.environ)
    if openssl:
        (folder / "openssl.cnf").write_text(openssl)
        env["OPENSSL_CONF"] = str(folder / "openssl.cnf")
    log = open(config.with_suffix(".log"), "w")
    with log, subprocess.Popen([*command, "-c", str(config)], stdout=log, stderr=log, env=env) as process:
        try:
            for port in ports:
                _wait_for(port, process, config.with_suffix(".log"))
            yield
        finally:
            process.terminate()


@contextlib.contextmanager
def city(command, folder, signed, passwords):
    """The project's own files, with this folder and free ports in place of a city's; {"tls": port, "plain": port}."""
    ports = {"tls": free_port(), "plain": free_port()}
    text = (ROOT / "tools/mosquitto/lacak.conf").read_text()
    for old, new in (
        ("listener 8883", "listener %d 127.0.0.1" % ports["tls"]),
        ("listener 1883", "listener %d" % ports["plain"]),
        ("/etc/mosquitto/lacak", str(folder)),
        ("/var/lib/mosquitto/", "%s/" % folder),
    ):
        assert text.count(old), old
        text = text.replace(old, new)
    shutil.copy(ROOT / "tools/mosquitto/lacak.acl", folder)
    (folder / "broker.crt").write_bytes(signed.pem())
    (folder / "broker.key").write_bytes(signed.key_pem())
    (folder / "passwords").write_text("".join("%s:%s\n" % pair for pair in passwords.items()))
    near = sorted(Path(command[0]).resolve().parent.parent.rglob("mosquitto_passwd"))
    subprocess.run([shutil.which("mosquitto_passwd") or str(near[0]), "-U", str(folder / "passwords")], check=True)
    with mosquitto(command, folder, list(ports.values()), text.splitlines()):
        yield ports


def _wait_for(port, process, log):
    until = time.monotonic() + 10
    while time.monotonic() < until and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise AssertionError("Mosquitto does not listen: " + log.read_text())


def max_protocol(version):
    """Debian 12's Mosquitto has a setting for the lowest version of TLS only."""
    return (
        "openssl_conf = lacak\n[lacak]\nssl_conf = ssl\n[ssl]\nsystem_default = limits\n"
        "[limits]\nMaxProtocol = %s\n" % version
    )
