"""Debian packages without root: fetched by apt in a root of its own, unpacked, not installed.

In:  package names, the suites to try, an architecture.
Out: their files and those of what they depend on, below a folder.
Owns: .cache/apt. apt checks every package against the archive's signed index, as ever.
"""

import re
import shutil

from setup.place import CACHE, Missing, run, say

HOST = "host"  # instead of a suite: the machine's own sources, and only the packages that it lacks


def unpack(packages, suites, arch, dest):
    """Unpack packages from the first of suites that can give them; the suite that did."""
    failures = []
    for suite in suites:
        try:
            _unpack_from(suite, packages, arch, dest)
            return suite
        except Missing as why:
            failures.append("%s: %s" % (suite, why))
            if suite != suites[-1]:
                say(
                    "%s (%s) from %s did not work, trying %s next"
                    % (packages[0], arch, suite, suites[len(failures)])
                )
    raise Missing("; ".join(failures))


def source(package, suite, dest):
    """The files of a source package, as the archive has them: below dest."""
    root = CACHE / "apt" / (suite + "-source")
    apt = _apt_root(root, host_arch())
    (root / "status").write_text("")
    apt += _update_from_a_mirror(apt, root, suite, "deb-src")
    dest.mkdir(parents=True, exist_ok=True)
    say("fetching the source of %s (%s)" % (package, suite))
    run(apt + ["source", "--download-only", package], folder=dest)


def host_arch():
    return run(["dpkg", "--print-architecture"]).strip()


def host_suite():
    """The name of this machine's Debian."""
    codename = _os_release("VERSION_CODENAME")
    if _os_release("ID") != "debian" or not codename:
        raise Missing("this is no Debian: its apt sources name no Debian archive")
    return codename


def mirrors():
    """Addresses of the Debian archive in this machine's own apt sources, the likeliest first."""
    codename = host_suite()
    listed = run(["apt-get", "update", "--print-uris"])
    found = re.findall(r"'([^']+)/dists/%s/InRelease'" % re.escape(codename), listed)
    # other people's archives have a folder for the suite too; Debian's own is called debian
    return sorted(found, key=lambda uri: not uri.rstrip("/").endswith("/debian"))


def _unpack_from(suite, packages, arch, dest):
    root = CACHE / "apt" / ("%s-%s" % (suite, arch))
    apt = _apt_root(root, arch)
    if suite == HOST:
        shutil.copy(
            "/var/lib/dpkg/status", root / "status"
        )  # a copy: apt locks the folder of the file
        _update_host(apt)
    else:
        (root / "status").write_text("")
        apt += _update_from_a_mirror(apt, root, suite)
    say("fetching %s (%s, %s) and what it needs" % (", ".join(packages), suite, arch))
    for deb in (root / "cache/archives").glob("*.deb"):
        deb.unlink()
    run(
        apt
        + [
            "install",
            "--download-only",
            "--yes",
            "--no-install-recommends",
            "--reinstall",
            *packages,
        ]
    )
    debs = sorted((root / "cache/archives").glob("*.deb"))
    if not debs:
        raise Missing("apt fetched no package")
    draft = dest.with_name(dest.name + ".new")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    for deb in debs:
        run(["dpkg", "-x", deb, draft])
        deb.unlink()
    shutil.rmtree(dest, ignore_errors=True)
    draft.rename(dest)


def _apt_root(root, arch):
    """apt-get with lists, cache and architecture of its own; it never writes to the machine's."""
    for folder in ("lists/partial", "cache/archives/partial"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    options = (
        "Dir::State=%s" % root,
        "Dir::State::status=%s" % (root / "status"),
        "Dir::State::lists=%s" % (root / "lists"),
        "Dir::Cache=%s" % (root / "cache"),
        "Dir::Cache::pkgcache=",  # 50 MB each, and read once
        "Dir::Cache::srcpkgcache=",
        "APT::Architecture=" + arch,
        "APT::Architectures=" + arch,
        "APT::Sandbox::User=",
        "Acquire::Languages=none",
        "Acquire::GzipIndexes=true",
        "Acquire::Retries=3",
    )
    return ["apt-get", "-q"] + [word for option in options for word in ("-o", option)]


def _update_host(apt):
    say("reading the package lists of this machine's apt sources")
    try:
        run(apt + ["update"])
    except Missing as why:
        say("some list could not be read, going on with the others (%s)" % why)


def _update_from_a_mirror(apt, root, suite, kind="deb"):
    """Read the index of suite; the apt options with which its packages are then fetched."""
    key = "/usr/share/keyrings/debian-archive-keyring.gpg"
    failures = []
    for mirror in mirrors():
        say("reading the package list of Debian %s" % suite)
        (root / "sources.list").write_text(
            "%s [signed-by=%s] %s %s main\n" % (kind, key, mirror, suite)
        )
        options = [
            "-o",
            "Dir::Etc::sourcelist=%s" % (root / "sources.list"),
            "-o",
            "Dir::Etc::sourceparts=-",
        ]
        try:
            run(apt + options + ["-o", "APT::Update::Error-Mode=any", "update"])
            return options
        except Missing as why:
            failures.append(str(why))
    raise Missing("; ".join(failures) or "no Debian archive among this machine's apt sources")


def _os_release(name):
    try:
        text = open("/etc/os-release").read()
    except OSError:
        return ""
    found = re.search(r'^%s="?([^"\n]*)' % name, text, re.M)
    return found.group(1) if found else ""
