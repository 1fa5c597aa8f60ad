#!/usr/bin/env python3
"""Lets cargo-mutants change the deciding code (.cargo/mutants.toml) in a few places, and sees whether the tests fail.

    python3 tests/mutants/sample.py SEED         ten mutants, chosen by the seed: the same seed, the same mutants
    python3 tests/mutants/sample.py SEED COUNT   as many as that

All of them: `cargo mutants` (hours). A sample leaves out the slow tests, so each mutant must be killed by the fast ones. It
works on a copy of the tree, which with its build stands in CARGO_TARGET_DIR/mutants (target/mutants unless set), as
that of run.py does.
"""

import json
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tomllib

# The copy of the tree is of what Git has; nothing is left beside it.
sys.dont_write_bytecode = True

from run import ROOT, copy_tree  # noqa: E402

# They take longer than all others together, and the fast ones kill every mutant alone.
SLOW = ["binary::", "crash::", "files::", "hostile::", "identity::", "simulation::", "stopped::"]
# A mutant may make a test wait for ever; the fast tests take a fraction of it.
LIMIT = 120


def listed(*arguments):
    command = ["cargo", "mutants", "--list", "--json", *arguments]
    listing = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True).stdout
    return [mutant["name"] for mutant in json.loads(listing)]


def idle(config):
    """The patterns of mutants that are left out, and that match none any more, or more than one."""
    files = [argument for glob in config["examine_globs"] for argument in ("--file", glob)]
    every = listed("--no-config", *files)
    counts = {pattern: sum(bool(re.search(pattern, name)) for name in every) for pattern in config["exclude_re"]}
    return [f"{pattern} matches {count} mutants" for pattern, count in counts.items() if count != 1]


def run(chosen):
    base = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).resolve() / "mutants"
    tree, target_dir = base / "tree", base / "target"
    copy_tree(tree)
    built = base.parent / "debug"
    if built.exists() and not target_dir.exists():
        # What the tests were built from need not be built again.
        shutil.copytree(built, target_dir / "debug", symlinks=True)
    command = [
        "cargo", "mutants", "--in-place", "--baseline=skip", f"--timeout={LIMIT}", "--colors=never", f"--output={base}",
        *(f"--re=^{re.escape(name)}$" for name in chosen),
        "--", "--", *(argument for module in SLOW for argument in ("--skip", module)),
    ]
    # What an earlier run tried says nothing of this one.
    shutil.rmtree(base / "mutants.out", ignore_errors=True)
    environment = {**os.environ, "CARGO_TARGET_DIR": str(target_dir), "CARGO_TERM_COLOR": "never"}
    subprocess.run(command, cwd=tree, env=environment)
    return {
        kind: (base / "mutants.out" / f"{kind}.txt").read_text().splitlines()
        for kind in ("caught", "timeout", "missed", "unviable")
    }


def main():
    if len(sys.argv) not in (2, 3):
        print(__doc__, file=sys.stderr)
        return 64
    seed, count = sys.argv[1], int(sys.argv[2]) if len(sys.argv) == 3 else 10
    with open(ROOT / ".cargo/mutants.toml", "rb") as file:
        config = tomllib.load(file)
    if problems := idle(config):
        print(*problems, sep="\n", file=sys.stderr)
        return 1
    every = listed()
    chosen = sorted(random.Random(seed).sample(every, min(count, len(every))))
    print(f"seed {seed}: {len(chosen)} of {len(every)} mutants", *chosen, sep="\n", flush=True)
    ended = run(chosen)
    print(", ".join(f"{len(names)} {kind}" for kind, names in ended.items()))
    if untried := sorted(set(chosen).difference(*ended.values())):
        print("not tried:", *untried, sep="\n", file=sys.stderr)
    for name in ended["missed"]:
        print(f"no fast test fails: {name}", file=sys.stderr)
    return 1 if ended["missed"] or untried else 0


if __name__ == "__main__":
    sys.exit(main())
