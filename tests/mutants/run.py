"""Do the tests notice when the source is wrong? Each mutant is one wrong line, in a copy.

``make mutants`` runs all of `definitions.MUTANTS`, ``python tests/mutants/run.py NAME ...`` some.
The exit status is 1 if one survives or no longer applies, if its tests fail without it, or if a
method, or a file of the engine or the inputs, has none.
"""

import atexit
import multiprocessing
import os
import shlex
import shutil
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

import pytest
import scipy.stats  # noqa: F401 (imported here, once, rather than in every child)
import sklearn.model_selection  # noqa: F401
import skorch  # noqa: F401
import torch  # noqa: F401
from definitions import MUTANTS

ROOT = Path(__file__).parents[2]
SECONDS = 300  # and what takes longer is no longer the same program
fork = multiprocessing.get_context("fork")


class FirstFailure:
    """A plugin of pytest that remembers which test failed first."""

    name = None

    def pytest_runtest_logreport(self, report):
        if report.failed and self.name is None:
            self.name = report.nodeid


def run_pytest(tests, sender):
    """In a child, in the copy: send pytest's exit status and the first test that failed."""
    sys.path[:0] = [os.getcwd()]
    os.environ["PYTHONPATH"] = os.getcwd()  # of the children of tests
    assert Path(find_spec("sklearn_ssl").origin).is_relative_to(os.getcwd())
    log = os.open("log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(log, 1)
    os.dup2(log, 2)
    first = FirstFailure()
    words = [f"tests/{word}" if ".py" in word else word for word in shlex.split(tests)]
    status = pytest.main(["-x", "-q", "-p", "no:cacheprovider", *words], plugins=[first])
    sender.send((int(status), first.name))
    atexit._run_exitfuncs()  # multiprocessing does not, and would wait for joblib's processes


def run(tests, seconds=SECONDS):
    """Exit status of pytest, 1 where a test failed, and the name of the first that did."""
    receiver, sender = fork.Pipe(duplex=False)
    child = fork.Process(target=run_pytest, args=(tests, sender))
    child.start()
    child.join(seconds)
    if child.is_alive():
        child.kill()
        child.join()
        return 1, f"no end after {seconds} s"
    return receiver.recv() if receiver.poll() else (child.exitcode, "the end of the process")


def passes_without(mutants):
    """Whether the tests pass in the unchanged copy: files and names at once, and each ``-k``."""
    chosen = dict.fromkeys(tests for *_, tests in mutants)
    words = [word for tests in chosen if " -k " not in tests for word in tests.split()]
    at_once, good = " ".join(dict.fromkeys(words)), True
    for tests in [at_once, *(tests for tests in chosen if " -k " in tests)]:
        status, name = run(tests, 10 * SECONDS) if tests else (0, None)
        if status:
            good = False
            print(Path("log").read_text())
            print(f"WITHOUT A MUTANT pytest ends with {status}: {name} of {tests}", flush=True)
    return good


def caught_by(path, old, new, tests):
    """The test that fails under a mutant, or None; and what to say of it."""
    text = path.read_text()
    if text.count(old) != 1:
        return None, f"NO LONGER APPLIES: its old text is in {path} {text.count(old)} times"
    mutated = text.replace(old, new)
    compile(mutated, path, "exec")
    path.write_text(mutated)
    try:
        status, name = run(tests)
    finally:
        path.write_text(text)
    if status == 1:
        return name, f"caught by {name}"
    return None, f"SURVIVED {tests}" if status == 0 else f"IS NO MUTANT: pytest ended with {status}"


def files_without():
    """Methods, and files of the engine and the inputs, that no mutant breaks."""
    package, broken = ROOT / "sklearn_ssl", {path for _, path, *_ in MUTANTS}
    found = [f for part in ("methods", "engine", "inputs") for f in (package / part).rglob("*.py")]
    names = [f.relative_to(package).as_posix() for f in found if f.name != "__init__.py"]
    return sorted(set(names) - broken)


def main(names):
    unknown = set(names) - {name for name, *_ in MUTANTS}
    if unknown:
        sys.exit(f"There are no mutants {sorted(unknown)}.")
    mutants = [mutant for mutant in MUTANTS if not names or mutant[0] in names]
    start, n_caught = time.perf_counter(), 0
    folder = tempfile.mkdtemp()  # not one that removes itself: it would at the end of a child
    try:
        for part in ("sklearn_ssl", "tests", "examples", "docs"):
            ignored = shutil.ignore_patterns("__pycache__", "_build")
            shutil.copytree(ROOT / part, Path(folder, part), ignore=ignored)
        shutil.copy(ROOT / "setup.cfg", folder)
        os.chdir(folder)
        good = passes_without(mutants)
        print(f"without mutants {time.perf_counter() - start:.0f} s", flush=True)
        for name, path, old, new, tests in mutants:
            began = time.perf_counter()
            test, about = caught_by(Path("sklearn_ssl", path), old, new, tests)
            n_caught += test is not None
            print(f"{name:48s} {about}  {time.perf_counter() - began:.1f} s", flush=True)
    finally:
        os.chdir(ROOT)
        shutil.rmtree(folder)
    bare = [] if names else files_without()
    if bare:
        print(f"no mutant breaks {bare}")
    print(f"{n_caught} of {len(mutants)} caught in {time.perf_counter() - start:.0f} s")
    return 0 if good and not bare and n_caught == len(mutants) else 1


if __name__ == "__main__":
    # a mutant may have the size and the second of the original
    sys.dont_write_bytecode, os.environ["PYTHONDONTWRITEBYTECODE"] = True, "1"
    sys.exit(main(sys.argv[1:]))
