#!/usr/bin/env python3
"""Measures `repave reconcile --once` as a whole process: time and memory of a run that finds nothing to do.

    benches/process.py [--runs N] [--images N] PATH_OF_REPAVE

Starts `repave simulate` on a free port of loopback with as many AVAILABLE images as there are manifests, and no limit on
the rate of calls. Then it measures the listing alone, over plain HTTP with one kept connection, and N whole processes.
The difference is repave's own time. Exits with 1 if a run fails; goals are only shown.
"""

import argparse
import http.client
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import time

GOAL_OWN_MS = 25
GOAL_PEAK_MIB = 12

# No profile, role or proxy of the person who runs this may take part.
ENVIRONMENT = {
    "PATH": os.environ.get("PATH", ""),
    "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "simulated",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
    "NO_PROXY": "127.0.0.1",
}

SEED = """region: eu-west-1
apiRate: {{ perSecond: 0 }}
imageLimit: {limit}
images:
  - {{ id: wsi-000000000, name: Gold }}
{images}"""

MANIFEST = """apiVersion: repave.dev/v1alpha1
kind: UpdatedImage
metadata:
  name: team-{number:05}
spec:
  imageName: Team_{number:05}
  source:
    imageId: wsi-000000000
  description: Desktop of team {number}
  tags: {{ team: team-{number:05} }}
"""


def write_files(folder, images):
    """One manifest a file, and a seed in which each of them is AVAILABLE."""
    manifests = folder / "manifests"
    manifests.mkdir()
    listed = []
    for number in range(1, images + 1):
        (manifests / f"{number:05}.yaml").write_text(MANIFEST.format(number=number))
        listed.append(f"  - {{ id: wsi-{number:09x}, name: Team_{number:05} }}\n")
    seed = folder / "seed.yaml"
    seed.write_text(SEED.format(limit=images + 1, images="".join(listed)))
    return manifests, seed


def start_simulator(repave, seed):
    command = [repave, "simulate", "--listen", "127.0.0.1:0", "--seed", str(seed), "--log-level", "error"]
    server = subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    found = re.search(r"http://(127\.0\.0\.1):(\d+)", server.stdout.readline())
    if not found:
        server.terminate()
        sys.exit("the simulator did not start")
    return server, found[1], int(found[2])


def list_images(connection):
    """Reads all pages; gives milliseconds, pages and images."""
    headers = {
        "Content-Type": "application/x-amz-json-1.1",
        "X-Amz-Target": "WorkspacesService.DescribeWorkspaceImages",
        "Authorization": "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20260101/eu-west-1/workspaces/aws4_request, "
        "SignedHeaders=host, Signature=00",
    }
    token, pages, images = {}, 0, 0
    began = time.perf_counter()
    while True:
        asked = json.dumps({"ImageType": "OWNED", "MaxResults": 25, **token})
        connection.request("POST", "/", asked, headers)
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            sys.exit(f"the simulator answered {answer.status}: {body[:300]!r}")
        page = json.loads(body)
        pages, images = pages + 1, images + len(page["Images"])
        if not page.get("NextToken"):
            return (time.perf_counter() - began) * 1000, pages, images
        token = {"NextToken": page["NextToken"]}


# A process's peak memory counts from before its exec, when it is a copy of who started it. This one is far smaller than
# the program around it, so that what it reports is the peak of what it starts, down to some 8 MiB.
LAUNCHER = """
import posix, sys, time
null = [(posix.POSIX_SPAWN_OPEN, 1, "/dev/null", posix.O_WRONLY, 0)]
for _ in range(int(sys.argv[1])):
    began = time.perf_counter()
    _, status, usage = posix.wait4(posix.posix_spawn(sys.argv[2], sys.argv[2:], posix.environ, file_actions=null), 0)
    took = time.perf_counter() - began
    if status:
        sys.exit(f"exit {posix.waitstatus_to_exitcode(status)}")
    print(took * 1000, usage.ru_maxrss, (usage.ru_utime + usage.ru_stime) * 1000)
"""


def run(command, folder, runs):
    """Runs a command several times; gives milliseconds, peak memory in MiB and the processor's time in milliseconds."""
    launcher = [sys.executable, "-I", "-S", "-c", LAUNCHER, str(runs), *command]
    done = subprocess.run(launcher, cwd=folder, env=ENVIRONMENT, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}: {done.stderr}")
    unit = 1024 * 1024 if sys.platform == "darwin" else 1024
    rows = [[float(number) for number in line.split()] for line in done.stdout.splitlines()]
    return [(took, memory / unit, processor) for took, memory, processor in rows]


def median_and_p95(values):
    ordered = sorted(values)
    return statistics.median(ordered), ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("repave", type=pathlib.Path)
    parser.add_argument("--runs", type=int, default=30)
    parser.add_argument("--images", type=int, default=40)
    arguments = parser.parse_args()
    repave = str(arguments.repave.resolve())

    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        manifests, seed = write_files(folder, arguments.images)
        server, host, port = start_simulator(repave, seed)
        try:
            command = [
                repave, "reconcile", "--once", "--manifests", str(manifests),
                "--endpoint-url", f"http://{host}:{port}", "--region", "eu-west-1",
            ]
            connection = http.client.HTTPConnection(host, port)
            list_images(connection)
            listings = [list_images(connection) for _ in range(arguments.runs)]
            connection.close()
            # The first run writes the status file; those after it find nothing to write.
            runs = run(command, folder, 1 + arguments.runs)[1:]
            # What starting the program costs in any case.
            nothing = run([repave, "--version"], folder, 1 + arguments.runs)[1:]
        finally:
            server.terminate()
            server.wait()

    api, api_p95 = median_and_p95([took for took, _, _ in listings])
    wall, wall_p95 = median_and_p95([took for took, _, _ in runs])
    start, start_p95 = median_and_p95([took for took, _, _ in nothing])
    processor, processor_p95 = median_and_p95([cpu for _, _, cpu in runs])
    peak = max(memory for _, memory, _ in runs)
    least = max(memory for _, memory, _ in nothing)
    _, pages, images = listings[0]
    print(f"{arguments.runs} runs, {arguments.images} manifests, {images} images on {pages} pages")
    print(f"{'':28} {'median':>8} {'p95':>8}")
    print(f"{'the listing alone':28} {api:5.1f} ms {api_p95:5.1f} ms")
    print(f"{'repave --version':28} {start:5.1f} ms {start_p95:5.1f} ms")
    print(f"{'repave reconcile --once':28} {wall:5.1f} ms {wall_p95:5.1f} ms")
    print(f"{'  processor time of it':28} {processor:5.1f} ms {processor_p95:5.1f} ms")
    print(f"{'  beyond the listing':28} {wall - api:5.1f} ms           goal: under {GOAL_OWN_MS} ms")
    print(f"{'  peak memory':28} {peak:5.1f} MiB          goal: at most {GOAL_PEAK_MIB} MiB; --version: {least:.1f}")


if __name__ == "__main__":
    main()
