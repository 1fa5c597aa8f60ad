#!/usr/bin/env python3
"""Checks that repave signs its requests with what boto3 would sign with: the same key, token, Region and endpoint.

    identity.py PATH_OF_REPAVE            compares repave with boto3 in every case
    identity.py PATH_OF_REPAVE --only X   only in the cases whose name contains X
    identity.py --table                   prints what boto3 does in every case; needs no repave

Needs boto3 (requirements.txt). A case is a set of variables, files and arguments (identity_cases.py). boto3 and
`repave plan` each run with them in a home folder of their own, and their requests go to the servers of servers.py. A case
passes if both sign with the same, or if both refuse: repave with exit code 64 and a message that names the profile and
the file. What boto3 does is found out in each run; a note of a case only explains it.

Prints a line for each failed case, then what is surprising about boto3, then a count by group and, last,
`N passed, M failed`. Exits with 1 if a case failed, with 2 if none could be run.
"""

import concurrent.futures
import json
import os
import pathlib
import queue
import shutil
import signal
import subprocess
import sys
import tempfile

# The folder stays as Git has it.
sys.dont_write_bytecode = True

import identity_cases
import servers

# Where repave differs from boto3 on purpose. A case names its difference; a difference that no case shows is a failure.
DIFFERENCES = {
    "AWS_REGION": "boto3 ignores AWS_REGION; repave, like the other SDKs, reads it first",
    "Region of an explicit profile": "in boto3 AWS_DEFAULT_REGION beats it; in repave keys and Region are the profile's",
    "Region of the instance": "boto3 does not ask the instance for its Region; repave does",
    "named profile without credentials": "boto3 goes on to the container's or instance's role; repave acts as nobody else",
    "half a key pair": "boto3 ignores a secret without an id, and signs with an empty id or secret; repave refuses",
    "two names for the profile": "boto3 lets AWS_DEFAULT_PROFILE beat AWS_PROFILE; repave refuses two different names",
    "value that is not true or false": "boto3 takes everything but true for false, as AWS_USE_FIPS_ENDPOINT=1; repave refuses",
    "empty is unset": "by what is empty boto3 refuses, reads no file or signs with an empty Region; repave passes over it",
    "Region in capitals": "boto3 signs with EU-WEST-1, which is no Region; repave refuses what does not look like one",
    "files of boto 2": "boto3 reads AWS_CREDENTIAL_FILE and ~/.boto, which are from before profiles; repave does not",
    "value that cannot be used": "boto3 ignores duration_seconds = x and signs with a key id of several words; repave refuses",
    "folder in the place of a file": "boto3 takes it for a file that is not there; repave refuses what it cannot read",
    "services section that is missing": "boto3 refuses it only where it is needed for the endpoint; repave always",
}

PATIENCE = 30
WORKERS = 2
SIGNED = ("key", "token", "region", "service", "endpoint")


def serve_boto3():
    """Runs boto3 for each case that stdin names in a process of its own, and prints what came of it."""
    import boto3
    import botocore.credentials
    import botocore.loaders
    import botocore.session
    import botocore.tokens

    # Services are loaded once, here: each case would take a tenth of a second for it.
    loader = botocore.loaders.create_loader()
    botocore.session.create_loader = lambda *args: loader
    session = boto3.Session("x", "x", region_name="eu-west-1")
    for service in ("workspaces", "sts", "sso", "sso-oidc"):
        session.client(service, endpoint_url="http://127.0.0.1:1")

    def run(case):
        os.chdir(case["cwd"])
        os.environ.clear()
        os.environ.update(case["env"])
        # Two paths that boto3 finds when it is imported, which was before this case had its home.
        sso = os.path.expanduser(os.path.join("~", ".aws", "sso", "cache"))
        botocore.credentials.SSOProvider._SSO_TOKEN_CACHE_DIR = sso
        botocore.tokens.SSOTokenProvider._SSO_TOKEN_CACHE_DIR = sso
        session = boto3.Session(profile_name=case["profile"], region_name=case["region"])
        client = session.client("workspaces", endpoint_url=case["endpoint"])
        client.describe_workspace_images()

    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            # Without a terminal nothing can ask the user.
            os.setsid()
            signal.alarm(PATIENCE)
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
            error = ""
            try:
                run(json.loads(line))
            except BaseException as raised:
                error = f"{type(raised).__name__}: {raised}" or "?"
            print(json.dumps(error), flush=True)
            os._exit(0)
        _, status = os.waitpid(pid, 0)
        if status:
            print(json.dumps(f"ended with {status}"), flush=True)


class Runner:
    """Servers, a boto3 process, and the program that is checked. Runs one case at a time."""

    def __init__(self, program):
        self.program = program
        self.servers = servers.Servers()
        self.boto3 = subprocess.Popen(
            [sys.executable, __file__, "--boto3"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env={"PATH": os.environ["PATH"], "PYTHONUTF8": "1", "HOME": "/"},
        )

    def close(self):
        self.boto3.stdin.close()
        self.boto3.wait(timeout=PATIENCE)
        self.servers.close()

    def prepare(self, case):
        """Writes the case's files into a new home folder, and gives its variables and arguments."""
        home = pathlib.Path(tempfile.mkdtemp(prefix="identity-"))

        def fill(text):
            for name, url in self.servers.urls.items():
                text = text.replace(f"<{name}>", url)
                text = text.replace(f"<{name}-address>", url.removeprefix("http://"))
            return text.replace("<home>", str(home))

        (home / "manifests").mkdir()
        (home / "manifests" / "finance.yaml").write_text(servers.MANIFEST)
        for path, content in case.files.items():
            path = home / path
            path.parent.mkdir(parents=True, exist_ok=True)
            if content is None:
                path.mkdir()
            elif isinstance(content, bytes):
                path.write_bytes(content)
            else:
                path.write_bytes(fill(content).encode())
        env = {"PATH": os.environ["PATH"]} | ({} if "HOME" in case.env else {"HOME": str(home)})
        env.update({k: fill(v) for k, v in case.env.items() if v is not None})
        return home, env, [fill(a) for a in case.args]

    def run_boto3(self, case):
        home, env, args = self.prepare(case)
        given = dict(zip(args[::2], args[1::2]))
        asked = {
            "cwd": str(home), "env": env,
            "profile": given.get("--profile") or env.get("REPAVE_PROFILE") or None,
            "region": given.get("--region") or env.get("REPAVE_REGION") or None,
            "endpoint": given.get("--endpoint-url") or env.get("REPAVE_ENDPOINT_URL") or None,
        }
        self.servers.clear()
        print(json.dumps(asked), file=self.boto3.stdin, flush=True)
        error = json.loads(self.boto3.stdout.readline())
        shutil.rmtree(home)
        signed, calls = list(self.servers.signed), list(self.servers.calls)
        return {"signed": signed[0] if signed else None, "error": error, "calls": calls}

    def run_repave(self, case):
        home, env, args = self.prepare(case)
        self.servers.clear()
        command = [self.program, "plan", "--api-rate", "1000", "--manifests", "manifests", *args]
        try:
            done = subprocess.run(
                command, env=env, cwd=home, stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE
            )
            code, stderr = done.returncode, done.stderr.decode("utf-8", "replace").strip()
        except subprocess.TimeoutExpired:
            code, stderr = None, f"still running after {PATIENCE} s"
        shutil.rmtree(home)
        signed, calls = list(self.servers.signed), list(self.servers.calls)
        return {"signed": signed, "code": code, "stderr": stderr, "calls": calls, "home": str(home)}


def shown(signed):
    """What somebody signed with, in one line."""
    if signed is None:
        return "nothing"
    parts = [signed.get("key"), signed.get("region"), signed.get("endpoint")]
    text = " ".join(str(p) for p in parts if p is not None)
    return text + (f" token={signed['token']}" if signed.get("token") else "")


def problems_of(case, boto3, repave):
    """Compares the two; gives what is wrong, and nothing if the case passes."""
    expected = boto3["signed"]
    if case.differs:
        meant = None if case.expect == "refused" else {"service": "workspaces", "token": None, **case.expect}
        if meant == expected:
            return [f"the difference {case.differs!r} does not show: boto3 does the same"]
        expected = meant
    if expected is not None:
        if not repave["signed"]:
            return [f"expected {shown(expected)}, but repave made no request"]
        for signed in repave["signed"]:
            if signed != expected:
                return [f"expected {shown(expected)}, repave signed with {shown(signed)}"]
        # A proxy never lets a request through, so that there is no answer.
        if "key" in expected and repave["code"] != 0:
            return ["signed with the same, but did not end with 0"]
        return []
    if repave["signed"]:
        return [f"expected a refusal, repave signed with {shown(repave['signed'][0])}"]
    wrong = []
    if repave["code"] not in case.codes:
        wrong.append(f"expected exit code {' or '.join(map(str, case.codes))}")
    for name in case.names:
        name = name.replace("<home>", repave["home"])
        if name not in repave["stderr"]:
            wrong.append(f"stderr does not name {name}")
    files = [str(pathlib.Path(".aws") / f) for f in ("config", "credentials")]
    if case.names_file and not any(f in repave["stderr"] for f in files):
        wrong.append("stderr does not name the configuration file")
    return wrong


def main():
    arguments = sys.argv[1:]
    if arguments == ["--boto3"]:
        return serve_boto3()
    only = ""
    if "--only" in arguments[:-1]:
        at = arguments.index("--only")
        only = arguments[at + 1]
        del arguments[at : at + 2]
    if len(arguments) != 1 or (arguments[0].startswith("-") and arguments != ["--table"]):
        print(__doc__, file=sys.stderr)
        return 2
    table = arguments == ["--table"]
    program = None if table else os.path.abspath(arguments[0])
    if program and not os.access(program, os.X_OK):
        print(f"{program} is not a program", file=sys.stderr)
        return 2
    chosen = [c for c in identity_cases.every_case() if only in f"{c.group}: {c.name}"]
    if not chosen:
        print(f"no case has {only!r} in its name", file=sys.stderr)
        return 2

    runners = [Runner(program) for _ in range(WORKERS)]
    free = queue.SimpleQueue()
    for runner in runners:
        free.put(runner)

    def run(case):
        runner = free.get()
        try:
            return runner.run_boto3(case), None if table else runner.run_repave(case)
        finally:
            free.put(runner)

    counts, used, notes = {}, set(), []
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        for case, (boto3, repave) in zip(chosen, pool.map(run, chosen)):
            name = f"{case.group}: {case.name}"
            result = shown(boto3["signed"]) if boto3["signed"] else f"refuses: {boto3['error']}"
            if case.note:
                notes.append(f"boto3   {name}: {case.note} ({result})")
            if table:
                mark = f" [{case.differs}]" if case.differs else ""
                print(f"{name}{mark}\n        {result}", flush=True)
                continue
            used.add(case.differs)
            wrong = problems_of(case, boto3, repave)
            passed, failed = counts.get(case.group, (0, 0))
            counts[case.group] = (passed + (not wrong), failed + bool(wrong))
            if wrong:
                print(f"FAILED  {name}: {'; '.join(wrong)}")
                print(f"        boto3: {result}")
                requests = shown(repave["signed"][0] if repave["signed"] else None)
                stderr = repave["stderr"].replace("\n", "\n                ")
                print(f"        repave: signed with {requests}, exit code {repave['code']}: {stderr}")
                if boto3["calls"] != repave["calls"]:
                    print(f"        requests of boto3: {boto3['calls']}")
                    print(f"        requests of repave: {repave['calls']}", flush=True)
    for runner in runners:
        runner.close()
    print(*notes, sep="\n")
    if table:
        return 0
    if not only:
        for name in DIFFERENCES.keys() - used:
            counts["differences"] = (0, counts.get("differences", (0, 0))[1] + 1)
            print(f"FAILED  no case shows the difference {name!r}")
    for group, (passed, failed) in counts.items():
        print(f"{passed:5} passed {failed:5} failed  {group}")
    failed = sum(f for _, f in counts.values())
    print(f"{sum(p for p, _ in counts.values())} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
