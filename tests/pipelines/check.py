#!/usr/bin/env python3
"""Checks the pipelines of examples/pipelines: by the forges' linters, and by carrying out what their jobs carry out.

    check.py PATH_OF_REPAVE

Lints the files, then runs the scripts of their jobs in the order of a change's life, against the embedded API and with
stand-ins for the forges' own tools. Prints a line for each check and, last, `N passed, M failed`. Exits with 1 if one failed.
"""

import json
import os
import pathlib
import shutil
import stat
import subprocess
import sys
import tempfile

import ruamel.yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
GITHUB = ROOT / "examples/pipelines/github.yml"
GITLAB = ROOT / "examples/pipelines/gitlab.yml"
# Where pip put the linters.
TOOLS = pathlib.Path(sys.executable).parent

SEED = """\
region: eu-west-1
accountId: "111122223333"
buildTime: 1s
images:
  - { id: wsi-0a1b2c3d4e5f, name: Gold }
"""

MANIFEST = """\
apiVersion: repave.dev/v1alpha1
kind: UpdatedImage
metadata: {{ name: {name} }}
spec: {{ source: {{ imageName: Gold }}, description: Desktop }}
"""

# Answers from files named after the last part of the address, by the filter that it was given, and keeps what was asked.
GH = """\
#!/usr/bin/env bash
printf '%s\\n' "$*" >> "$FORGE/asked"
if [ "$1 $2" = "run download" ]; then mkdir -p reviewed && cp "$FORGE/artifact/plan.json" reviewed/; exit; fi
address="" filter=""
while [ $# -gt 0 ]; do
  case "$1" in
    --jq) filter=$2; shift ;;
    repos/*) address=$1 ;;
  esac
  shift
done
name=${address##*/}
if [ -n "$filter" ]; then jq -r "$filter" "$FORGE/${name%%\\?*}.json"; fi
"""

CURL = """\
#!/usr/bin/env bash
printf '%s\\n' "$*" >> "$FORGE/asked"
for last; do :; done
case "$*" in *--request*) exit ;; esac
name=${last##*/}
cat "$FORGE/${name%%\\?*}.json"
"""

passed, failed = 0, 0


def check(name, ok, why=""):
    global passed, failed
    passed, failed = passed + bool(ok), failed + (not ok)
    print(f"{'ok  ' if ok else 'FAIL'} {name}" + ("" if ok else f"\n{why}"))


def lint(name, *command, text=None):
    ran = subprocess.run([TOOLS / command[0], *command[1:]], input=text, capture_output=True, text=True, check=False)
    check(name, ran.returncode == 0, ran.stdout + ran.stderr)


def read(path):
    yaml = ruamel.yaml.YAML(typ="safe")
    # A job that refers to another's lines: they are looked at where they stand.
    yaml.constructor.add_constructor("!reference", lambda constructor, node: "")
    return yaml.load(path.read_text())


class Checkout:
    """A folder with manifests, a simulated account beside it, and stand-ins for the forge's tools."""

    def __init__(self, folder, repave):
        self.folder = folder / "checkout"
        self.forge = folder / "forge"
        tools = folder / "tools"
        for made in (self.folder / "manifests", self.forge / "artifact", tools, folder / "home/repave/bin"):
            made.mkdir(parents=True)
        (folder / "home/repave/bin/repave").symlink_to(repave)
        (tools / "repave").symlink_to(repave)
        for name, text in (("gh", GH), ("curl", CURL)):
            (tools / name).write_text(text)
            (tools / name).chmod(stat.S_IRWXU)
        (folder / "seed.yaml").write_text(SEED)
        self.summary = folder / "summary"
        self.variables = {
            "PATH": f"{tools}:{os.environ.get('PATH', '')}",
            "HOME": str(folder / "home"),
            "FORGE": str(self.forge),
            "REPAVE_SIMULATE": str(folder / "seed.yaml"),
            # As without --simulate: what the pipelines keep.
            "REPAVE_STATUS_FILE": ".repave/status.json",
            "GITHUB_STEP_SUMMARY": str(self.summary),
            "GITHUB_REPOSITORY": "acme/images",
            "GITHUB_SHA": "0" * 40,
            "NUMBER": "12",
            "CI_API_V4_URL": "https://gitlab.example.com/api/v4",
            "CI_PROJECT_ID": "34",
            "CI_MERGE_REQUEST_IID": "12",
            "AWS_ID_TOKEN": "token",
            "AWS_WEB_IDENTITY_TOKEN_FILE": str(folder / "token"),
        }

    def declare(self, name):
        (self.folder / f"manifests/{name}.yaml").write_text(MANIFEST.format(name=name))

    def answer(self, name, value):
        (self.forge / f"{name}.json").write_text(json.dumps(value))

    def asked(self):
        path = self.forge / "asked"
        text = path.read_text() if path.exists() else ""
        path.unlink(missing_ok=True)
        return text

    def runs(self, name, script, code, *shell, **variables):
        """Runs the script and checks its exit code; gives what it printed."""
        ran = subprocess.run(
            [*shell, "-c", script],
            cwd=self.folder,
            env=self.variables | variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        said = ran.stdout + ran.stderr
        check(f"{name}: ends with {code}", ran.returncode == code, f"it ended with {ran.returncode}: {said}")
        return said

    def kinds(self, *names):
        paths = [self.folder / name for name in names]
        return [json.loads(path.read_text())["kind"] if path.exists() else None for path in paths]


def github(folder, repave):
    jobs = read(GITHUB)["jobs"]
    steps = {step["name"]: step["run"] for job in jobs.values() for step in job["steps"] if "run" in step}
    shell = ("bash", "--noprofile", "--norc", "-eo", "pipefail")
    here = Checkout(folder, repave)
    here.declare("finance")

    validate = steps["Validate"]
    probe = subprocess.run([repave, "validate", "-o", "github"], cwd=here.folder, capture_output=True, check=False)
    if probe.returncode == 64:
        print("this repave has no -o github yet, so validate is tried without")
        validate = validate.replace(" -o github", "")
    here.runs("validate", validate, 0, *shell)
    said = here.runs("plan", steps["Plan"], 0, *shell)
    check("plan: there is something to create", "Plan: 1 to create" in said, said)
    check("plan: is kept", here.kinds("plan.json") == ["Plan"] and (here.folder / "plan.md").exists())
    check("plan: the step has a summary", "1 to create" in here.summary.read_text())
    (here.folder / "manifests/finance.yaml").write_text("kind: nothing\n")
    here.runs("plan of invalid manifests", steps["Plan"], 65, *shell)
    check("plan of invalid manifests: has a comment", "invalid" in (here.folder / "plan.md").read_text())
    here.declare("finance")
    here.runs("plan once more", steps["Plan"], 0, *shell)
    shutil.copy(here.folder / "plan.json", here.forge / "artifact")

    here.answer("comments", [{"id": 5, "user": {"login": "a-person"}, "body": "### repave is nice"}])
    here.runs("first comment", steps["Comment"], 0, *shell)
    asked = here.asked()
    check("first comment: is made", "POST repos/acme/images/issues/12/comments --field body=@plan.md" in asked, asked)
    own = {"id": 6, "user": {"login": "github-actions[bot]"}, "body": "### repave plan\n"}
    here.answer("comments", [{"id": 5, "user": {"login": "github-actions[bot]"}, "body": "Coverage"}, own])
    here.runs("second comment", steps["Comment"], 0, *shell)
    asked = here.asked()
    check("second comment: is the first one", "PATCH repos/acme/images/issues/comments/6 " in asked, asked)

    find = steps["Find the plan that was reviewed"]
    here.answer("pulls", [])
    here.answer("artifacts", {"artifacts": []})
    said = here.runs("a push without a plan", find, 1, *shell)
    check("a push without a plan: says so", "::error::" in said, said)
    ours = {"head_sha": "2" * 40, "repository_id": 7, "head_repository_id": 7}
    kept = [(1, True, "2026-11-03T00:00:00Z"), (2, False, "2026-11-01T00:00:00Z"), (3, False, "2026-11-02T00:00:00Z")]
    rows = [{"workflow_run": ours | {"id": run}, "expired": gone, "created_at": at} for run, gone, at in kept]
    # A fork's, and one of an earlier commit: both newer, and neither the one that was reviewed.
    for run, differs in ((4, {"head_repository_id": 8}), (5, {"head_sha": "1" * 40})):
        rows.append({"workflow_run": ours | {"id": run} | differs, "expired": False, "created_at": "2026-11-04T00:00:00Z"})
    here.answer("pulls", [{"number": 12, "head": {"sha": "2" * 40}}])
    here.answer("artifacts", {"artifacts": rows})
    here.asked()
    here.runs("the reviewed plan", find, 0, *shell)
    asked = here.asked()
    wanted = "run download 3 --repo acme/images --name repave-plan-12 --dir reviewed"
    check("the reviewed plan: is the newest that is left", wanted in asked, asked)

    here.declare("sales")
    said = here.runs("apply of another plan", steps["Apply"], 5, *shell, EXPECTED="reviewed/plan.json")
    check("apply of another plan: says what differs", "it now creates sales from" in said, said)
    (here.folder / "manifests/sales.yaml").unlink()
    here.runs("apply", steps["Apply"], 0, *shell, EXPECTED="reviewed/plan.json")
    check("apply: leaves result and status", here.kinds("result.json", ".repave/status.json") == ["Reconciliation", "ReconcileStatus"])
    here.runs("apply once more, as a job that is started again", steps["Apply"], 0, *shell, EXPECTED="reviewed/plan.json")
    said = here.runs("plan after it", steps["Plan"], 0, *shell)
    check("plan after it: nothing is left", "Nothing to do: 1 image is ready." in said, said)

    here.declare("sales")
    here.runs("plan by hand", steps["Plan"], 0, *shell)
    checksum = json.loads((here.folder / "plan.json").read_text())["checksum"]
    here.runs("apply by its checksum", steps["Apply"], 0, *shell, EXPECTED=checksum)


def gitlab(folder, repave):
    jobs = read(GITLAB)
    here = Checkout(folder, repave)
    here.declare("finance")
    lines = {
        name: "\n".join(line for part in ("before_script", "script") for line in job.get(part, []) if line)
        for name, job in jobs.items()
        if isinstance(job, dict)
    }
    for name, script in lines.items():
        if script:
            lint(f"shellcheck {name}", "shellcheck", "--shell", "bash", "--exclude", "SC2148", "-", text=script)
    script = {name: "\n".join(job["script"]) for name, job in jobs.items() if isinstance(job, dict) and "script" in job}
    shell = ("bash", "-eo", "pipefail")

    here.runs("validate", script["validate"], 0, *shell)
    allowed = jobs["plan"]["allow_failure"]["exit_codes"]
    check("plan: its code for something to create is allowed", allowed == [2], allowed)
    here.runs("token", jobs[".aws"]["before_script"][1], 0, *shell)
    mode = stat.S_IMODE((folder / "token").stat().st_mode)
    check("token: is for its owner only", mode == 0o600, oct(mode))
    here.runs("plan", script["plan"], 2, *shell)

    here.answer("user", {"id": 7})
    here.answer("notes", [{"id": 1, "author": {"id": 8}, "body": "### repave plan\n"}])
    # The report runs in another image, whose shell is not bash.
    busy = ("sh", "-e")
    here.runs("report without a token", script["report"], 0, *busy)
    counts = json.loads((here.folder / "counts.json").read_text())
    check("report: counts", counts == {"create": 1, "update": 0, "delete": 0}, counts)
    check("report without a token: asks nobody", here.asked() == "")
    here.runs("first note", script["report"], 0, *busy, REPAVE_NOTE_TOKEN="secret")
    asked = here.asked()
    check("first note: is made", "--request POST --data-urlencode body@plan.md" in asked, asked)
    here.answer("notes", [{"id": 1, "author": {"id": 7}, "body": "hello"}, {"id": 2, "author": {"id": 7}, "body": "### repave plan\n"}])
    here.runs("second note", script["report"], 0, *busy, REPAVE_NOTE_TOKEN="secret")
    asked = here.asked()
    check("second note: is the first one", "--request PUT" in asked and "/merge_requests/12/notes/2" in asked, asked)

    here.declare("sales")
    here.runs("apply of another plan", script["apply"], 5, *shell)
    (here.folder / "manifests/sales.yaml").unlink()
    here.runs("apply", script["apply"], 0, *shell)
    check("apply: leaves result and status", here.kinds("result.json", ".repave/status.json") == ["Reconciliation", "ReconcileStatus"])
    here.runs("plan after it", script["plan"], 0, *shell)


def main():
    repave = pathlib.Path(sys.argv[1]).resolve()
    # It finds shellcheck beside it, for the scripts in the workflow.
    lint("actionlint", "actionlint", "-no-color", "-shellcheck", str(TOOLS / "shellcheck"), str(GITHUB))
    lint("schema of workflows", "check-jsonschema", "--builtin-schema", "vendor.github-workflows", str(GITHUB))
    gitlab_schema = ("--builtin-schema", "vendor.gitlab-ci", "--data-transform", "gitlab-ci")
    lint("schema of GitLab CI", "check-jsonschema", *gitlab_schema, str(GITLAB))
    if shutil.which("jq") is None:
        print("the rehearsals are left out: jq is not installed")
    else:
        for name, rehearse in (("GitHub", github), ("GitLab", gitlab)):
            print(f"{name}:")
            with tempfile.TemporaryDirectory() as folder:
                rehearse(pathlib.Path(folder), repave)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
