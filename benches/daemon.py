#!/usr/bin/env python3
"""Measures the daemon of a release build: python3 benches/daemon.py PATH [IDLE_SECONDS]

Prints, for a daemon beside a simulator that is a process of its own: the time from a saved file to the create in the
simulator's account (median of 20); passes and time for 1,000 manifests rewritten at once; and over an idle time CPU, resident
memory, file descriptors, threads and writes of the status file.
"""
import json, os, pathlib, signal, statistics, subprocess, sys, tempfile, time

REPAVE = os.path.abspath(sys.argv[1])
IDLE = int(sys.argv[2]) if len(sys.argv) > 2 else 600


def manifest(name, text="one", more=""):
    return (f"apiVersion: repave.dev/v1alpha1\nkind: UpdatedImage\nmetadata: {{ name: {name} }}\n"
            f"spec: {{ source: {{ imageId: wsi-source000 }}, description: {text}{more} }}\n")


def wait(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            sys.exit("it did not come to that in time")
        time.sleep(0.001)


class Daemon:
    def __init__(self, folder, level):
        self.folder = folder
        (folder / "manifests").mkdir()
        seed = folder / "seed.yaml"
        seed.write_text("apiRate: { perSecond: 0 }\nbuildTime: 1s\nimages: [{ id: wsi-source000, name: source }]\n")
        self.account = folder / "account"
        self.simulator = subprocess.Popen(
            [REPAVE, "simulate", "--seed", seed, "--account-file", self.account, "--listen", "127.0.0.1:0"],
            stdout=subprocess.PIPE, text=True)
        url = self.simulator.stdout.readline().split()[-1]
        self.log = open(folder / "log", "w+")
        environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "AWS_REGION": "eu-west-1",
                       "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"}
        self.process = subprocess.Popen(
            [REPAVE, "reconcile", "--endpoint-url", url, "--api-rate", "1000", "--allow-empty", "--log-level", level],
            cwd=folder, env=environment, stderr=self.log)

    def text(self):
        return (self.folder / "log").read_text()

    def proc(self):
        base = pathlib.Path("/proc") / str(self.process.pid)
        fields = (base / "stat").read_text().rsplit(")", 1)[1].split()
        status = dict(line.split(":", 1) for line in (base / "status").read_text().splitlines())
        return {"cpu": (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"),
                "rss_kib": int(status["VmRSS"].split()[0]), "threads": int(status["Threads"]),
                "fds": len(os.listdir(base / "fd"))}

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(10) == 0
        self.simulator.terminate()
        self.simulator.wait(10)


def latency():
    with tempfile.TemporaryDirectory() as folder:
        daemon = Daemon(pathlib.Path(folder), "info")
        wait(lambda: "manifests read" in daemon.text())
        took = []
        for number in range(20):
            path = daemon.folder / "manifests" / f"n{number}.yaml"
            new = path.with_suffix(".tmp")
            new.write_text(manifest(f"n{number}"))
            start = time.monotonic()
            new.rename(path)
            # The account's file is written before the create is answered.
            wait(lambda: daemon.account.exists() and f'"n{number}"' in daemon.account.read_text())
            took.append((time.monotonic() - start) * 1000)
            time.sleep(0.5)
        daemon.end()
        took.sort()
        print(f"file saved to create in the account: median {statistics.median(took):.0f} ms, "
              f"fastest {took[0]:.0f} ms, slowest {took[-1]:.0f} ms (20 files)")


def rewrite():
    with tempfile.TemporaryDirectory() as folder:
        daemon = Daemon(pathlib.Path(folder), "debug")
        status = daemon.folder / ".repave/status.json"
        for number in range(1000):
            (daemon.folder / "manifests" / f"n{number:04}.yaml").write_text(manifest(f"n{number:04}", more=", suspend: true"))
        settled = lambda text: lambda: status.exists() and len(json.loads(status.read_text())["images"]) == 1000 and text in daemon.text()
        wait(settled("manifests=1000"))
        time.sleep(1)
        before, digest = daemon.text().count("pass began"), json.loads(status.read_text())["manifests"]["digest"]
        start = time.monotonic()
        for number in range(1000):
            (daemon.folder / "manifests" / f"n{number:04}.yaml").write_text(manifest(f"n{number:04}", "two", ", suspend: true"))
        written = time.monotonic()
        wait(lambda: json.loads(status.read_text())["manifests"]["digest"] != digest)
        still = time.monotonic()
        time.sleep(3)
        passes = daemon.text().count("pass began") - before
        daemon.end()
        print(f"1,000 manifests rewritten in {(written - start) * 1000:.0f} ms: {passes} passes, "
              f"status written {(still - written) * 1000:.0f} ms after the last")


def idle():
    with tempfile.TemporaryDirectory() as folder:
        daemon = Daemon(pathlib.Path(folder), "info")
        for number in range(30):
            (daemon.folder / "manifests" / f"n{number}.yaml").write_text(manifest(f"n{number}"))
        status = daemon.folder / ".repave/status.json"
        ready = lambda: status.exists() and status.read_text().count('"reason": "Available"') >= 30
        wait(ready, 180)
        time.sleep(15)
        first, written, lines = daemon.proc(), status.stat().st_mtime_ns, daemon.text().count("\n")
        samples = [first]
        start = time.monotonic()
        while time.monotonic() - start < IDLE:
            time.sleep(min(10, IDLE))
            samples.append(daemon.proc())
        last = samples[-1]
        wrote = 0 if status.stat().st_mtime_ns == written else "some"
        span = lambda key: f"{min(s[key] for s in samples)} to {max(s[key] for s in samples)}"
        print(f"idle for {IDLE} s with 30 images: CPU {(last['cpu'] - first['cpu']) / IDLE * 100:.3f} %, "
              f"resident {span('rss_kib')} KiB, descriptors {span('fds')}, threads {span('threads')}, "
              f"status writes {wrote}, log lines {daemon.text().count(chr(10)) - lines}")
        daemon.end()


latency()
rewrite()
idle()
