"""Runs the interop tests of this folder; see `test/interop/run`."""

import argparse
import os
import sys
import time
import unittest

import peers
import setting


class Result(unittest.TestResult):
    """One line a test, and all about those that fail."""

    def __init__(self, *arguments, **keywords):
        super().__init__(*arguments, **keywords)
        self.good = 0
        self.began = time.monotonic()

    def startTest(self, test):
        super().startTest(test)
        self.began = time.monotonic()

    def _line(self, word, test, more=""):
        took = time.monotonic() - self.began
        name = ".".join(test.id().split(".")[-2:])
        print(f"{word:4}  {name:70} {took:6.2f} s{more}", flush=True)

    def addSuccess(self, test):
        super().addSuccess(test)
        self.good += 1
        self._line("ok", test)

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self._line("SKIP", test, f"  {reason}")

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self._line("FAIL", test)
        print(self.failures[-1][1], flush=True)

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            self._line("FAIL", test, f"  {subtest._subDescription()}")
            print((self.failures + self.errors)[-1][1], flush=True)

    def addError(self, test, err):
        super().addError(test, err)
        self._line("FAIL", test)
        print(self.errors[-1][1], flush=True)


def main():
    parser = argparse.ArgumentParser()
    target = os.environ.get("CARGO_TARGET_DIR", os.path.join(peers.ROOT, "target"))
    parser.add_argument("--agora", default=os.path.join(target, "release", "agora"))
    parser.add_argument("--against", choices=["agora", "reference"], default="agora")
    parser.add_argument("--protoset")
    parser.add_argument("-k", dest="word")
    chosen = parser.parse_args()

    os.environ[setting.AGORA] = os.path.abspath(chosen.agora)
    os.environ[setting.AGAINST] = chosen.against
    if chosen.protoset:
        os.environ[setting.PROTOSET] = os.path.abspath(chosen.protoset)

    loader = unittest.TestLoader()
    if chosen.word:
        loader.testNamePatterns = [f"*{chosen.word}*"]
    tests = loader.discover(os.path.dirname(os.path.abspath(__file__)), pattern="test_*.py")
    result = Result()
    tests.run(result)
    bad = len(result.failures) + len(result.errors)
    status = setting.stop_server()
    if status != 0:
        bad += 1
        print(f"FAIL  the server ended with status {status} after SIGTERM")
    print(f"{result.good} passed, {bad} failed, {len(result.skipped)} skipped")
    return 1 if bad or result.good == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
