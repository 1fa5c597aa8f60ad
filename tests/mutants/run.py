#!/usr/bin/env python3
"""Plants each bug of mutants.toml in a copy of the tree, alone, and sees whether the check that is named for it fails.

    python3 tests/mutants/run.py                 plants every bug, one after the other (some 10 minutes)
    python3 tests/mutants/run.py NAME...         plants these
    python3 tests/mutants/run.py --check         plants none: each place still exists once, each check exists,
                                                 docs/mutants.md lists them all (seconds)
    python3 tests/mutants/run.py --table         prints the table for docs/mutants.md

A check is `it::module::test` (tests/it), `lib::module::test` (a unit test) or `clients::name` (tests/clients/name.py, which
runs the binary). Before the first bug all checks must pass.
The copy and its build stand in CARGO_TARGET_DIR/mutants (target/mutants unless set).
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import time
import tomllib

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs" / "mutants.md"
# A bug may make a check wait for ever; no check named here takes longer than a minute without one.
LIMIT = 240


def mutants():
    with open(pathlib.Path(__file__).with_name("mutants.toml"), "rb") as file:
        return tomllib.load(file)["mutant"]


def split(check):
    target, name = check.split("::", 1)
    return target, name


def arguments(target):
    return {"it": ["--test", "it"], "lib": ["--lib"]}[target]


def client(tree, target_dir, names):
    """The same by programs of tests/clients."""
    environment = {**os.environ, "CARGO_TARGET_DIR": str(target_dir), "CARGO_TERM_COLOR": "never"}
    build = subprocess.run(["cargo", "build", "--locked", "--quiet"], cwd=tree, env=environment, capture_output=True, text=True)
    if build.returncode:
        return "broken", build.stderr
    for name in names:
        command = [sys.executable, tree / f"tests/clients/{name}.py", target_dir / "debug/repave"]
        ran = subprocess.run(command, capture_output=True, text=True)
        if not re.search(r"^\d+ passed, \d+ failed$", ran.stdout, re.M):
            return "broken", ran.stdout + ran.stderr
        if ran.returncode:
            return "failed", ran.stdout
    return "passed", ""


def cargo(tree, target_dir, target, names):
    """Runs these tests alone: 'passed', 'failed', 'hung', or 'broken' when it does not compile or runs no test."""
    if target == "clients":
        return client(tree, target_dir, names)
    command = ["cargo", "test", "--locked", "--quiet", *arguments(target)]
    environment = {**os.environ, "CARGO_TARGET_DIR": str(target_dir), "CARGO_TERM_COLOR": "never"}
    build = subprocess.run([*command, "--no-run"], cwd=tree, env=environment, capture_output=True, text=True)
    if build.returncode:
        return "broken", build.stderr
    # `exec` of the test program is cargo's child: the limit must end both.
    process = subprocess.Popen(
        [*command, "--", "--exact", *names],
        cwd=tree, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
    )
    try:
        output, _ = process.communicate(timeout=LIMIT)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, 9)
        output, _ = process.communicate()
        return "hung", output
    ran = sum(int(n) for n in re.findall(r"^running (\d+) tests?$", output, re.M))
    if ran != len(names):
        return "broken", f"{ran} of {len(names)} tests were run\n{output}"
    return ("passed" if process.returncode == 0 else "failed"), output


def lines_of(path, cache={}):
    return cache.setdefault(path, path.read_text())


def misplaced(mutant):
    """Why the mutant can't be planted or checked, if so."""
    text = lines_of(ROOT / mutant["file"])
    if (times := text.count(mutant["find"])) != 1:
        return f"its text stands {times} times in {mutant['file']}"
    if mutant["find"] == mutant["replace"]:
        return "it changes nothing"
    target, name = split(mutant["check"])
    if target == "clients":
        program = ROOT / f"tests/clients/{name}.py"
        return None if program.exists() else f"its check {program.name} is no program"
    test = name.rsplit("::", 1)[-1]
    where = ROOT / ("tests/it" if mutant["check"].startswith("it::") else "src")
    pattern = re.compile(rf"\bfn {re.escape(test)}\(|^\s+{re.escape(test)}: ", re.M)
    if not any(pattern.search(lines_of(file)) for file in where.rglob("*.rs")):
        return f"its check {mutant['check']} is no test"
    return None


def table(all_mutants):
    rows = [f"| {m['name']} | {m['rule']} | `{m['file']}` | {m['bug']} | `{m['check']}` |" for m in all_mutants]
    return "\n".join(["| mutant | rule | file | the bug | killed by |", "|---|---|---|---|---|", *rows])


def check(all_mutants):
    problems = [f"{m['name']}: {why}" for m in all_mutants if (why := misplaced(m))]
    names = [m["name"] for m in all_mutants]
    problems += [f"{name}: the name is used twice" for name in sorted({n for n in names if names.count(n) > 1})]
    if table(all_mutants) not in DOCS.read_text():
        problems.append(f"{DOCS.relative_to(ROOT)} lacks the table of today: run.py --table prints it")
    for problem in problems:
        print(problem, file=sys.stderr)
    print(f"{len(all_mutants)} mutants, {len(problems)} problems")
    return 1 if problems else 0


def copy_tree(tree):
    shutil.rmtree(tree, ignore_errors=True)
    tree.mkdir(parents=True)
    files = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, check=True
    )
    for name in filter(None, files.stdout.decode().split("\0")):
        if not (ROOT / name).exists():
            continue
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tree / name, follow_symlinks=False)


def run(chosen):
    base = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).resolve() / "mutants"
    tree, target_dir = base / "tree", base / "target"
    copy_tree(tree)
    for target in ("it", "lib", "clients"):
        names = sorted({split(m["check"])[1] for m in chosen if split(m["check"])[0] == target})
        if names:
            verdict, output = cargo(tree, target_dir, target, names)
            if verdict != "passed":
                print(output, file=sys.stderr)
                print(f"without any bug the checks of {target} {verdict}", file=sys.stderr)
                return 1
    alive = []
    for mutant in chosen:
        if why := misplaced(mutant):
            alive.append(f"{mutant['name']}: {why}")
            continue
        path = tree / mutant["file"]
        text = path.read_text()
        path.write_text(text.replace(mutant["find"], mutant["replace"]))
        began = time.monotonic()
        verdict, output = cargo(tree, target_dir, *(lambda t, n: (t, [n]))(*split(mutant["check"])))
        path.write_text(text)
        killed = verdict in ("failed", "hung")
        print(f"{'killed' if killed else 'ALIVE '} {mutant['name']} ({verdict}, {time.monotonic() - began:.0f} s)", flush=True)
        if not killed:
            alive.append(f"{mutant['name']}: {verdict}\n{output[-2000:] if verdict == 'broken' else ''}")
    for line in alive:
        print(line, file=sys.stderr)
    print(f"{len(chosen) - len(alive)} of {len(chosen)} mutants killed")
    return 1 if alive else 0


def main():
    all_mutants = mutants()
    match sys.argv[1:]:
        case ["--check"]:
            return check(all_mutants)
        case ["--table"]:
            print(table(all_mutants))
            return 0
        case names:
            unknown = set(names) - {m["name"] for m in all_mutants}
            if unknown:
                print(f"no such mutant: {', '.join(sorted(unknown))}", file=sys.stderr)
                return 64
            return run([m for m in all_mutants if not names or m["name"] in names])


if __name__ == "__main__":
    sys.exit(main())
