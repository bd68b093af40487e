"""Runs the plain test functions of this folder on a MicroPython VM: run.py [name of a file ...].

Out: one line per test, a traceback per failure, `N passed, N failed`; exit code 1 when one failed.
"""

import os
import sys


def names(folder):
    return sorted(
        name[:-3]
        for name in os.listdir(folder)
        if name.startswith("test_") and name.endswith(".py")
    )


def run_file(name):
    """(passed, failed) of one file; a file that cannot be imported is one failure."""
    passed = failed = 0
    try:
        module = __import__(name)
    except Exception as error:
        return 0, tell(name, error)
    for test in sorted(dir(module)):
        if test.startswith("test_"):
            try:
                getattr(module, test)()
                print("ok %s.%s" % (name, test))
                passed += 1
            except Exception as error:
                failed += tell("%s.%s" % (name, test), error)
    return passed, failed


def tell(name, error):
    print("FAILED %s" % name)
    sys.print_exception(error)
    return 1


def main():
    folder = __file__.rpartition("/")[0] or "."
    sys.path.insert(0, folder)
    passed = failed = 0
    for name in sys.argv[1:] or names(folder):
        result = run_file(name)
        passed += result[0]
        failed += result[1]
    print("%d passed, %d failed" % (passed, failed))
    sys.exit(1 if failed else 0)


main()
