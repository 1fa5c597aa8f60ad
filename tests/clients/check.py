#!/usr/bin/env python3
"""Checks the simulated WorkSpaces API through clients that repave did not write: boto3 and the AWS CLI.

    check.py PATH_OF_REPAVE     starts `repave simulate` with seed.yaml, checks it and ends it
    check.py http://HOST:PORT   checks a server that was started anew with seed.yaml

Prints a line for each check and, last, `N passed, M failed`. Exits with 1 if a check failed, with 2 if none could be made.
"""

import contextlib
import datetime
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import threading
import time

import boto3
import botocore.config
import botocore.exceptions

HERE = pathlib.Path(__file__).resolve().parent
GOLD, LINUX, FAILED, BUILDING, SHARED = (f"wsi-00000000{n}" for n in range(1, 6))
# So long a check waits for a state, or for a program, before it fails.
PATIENCE = 30

# No profile, role or proxy of the person who runs this may take part.
ENVIRONMENT = {
    "PATH": os.environ.get("PATH", ""),
    "HOME": os.environ.get("HOME", "/"),
    "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "simulated",
    "AWS_DEFAULT_REGION": "eu-west-1",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_MAX_ATTEMPTS": "1",
    "AWS_PAGER": "",
    "NO_PROXY": "127.0.0.1,localhost",
}

checks = []


def check(function):
    """Collects the checks in the order in which they stand; each begins with what those before it left."""
    checks.append(function)
    return function


def equal(found, expected):
    if found != expected:
        raise AssertionError(f"found {found!r}, expected {expected!r}")


class Clients:
    def __init__(self, endpoint):
        self.endpoint = endpoint
        self.boto3 = self.client({"mode": "standard", "total_max_attempts": 1})

    def client(self, retries, **options):
        session = boto3.Session(
            aws_access_key_id=ENVIRONMENT["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=ENVIRONMENT["AWS_SECRET_ACCESS_KEY"],
            region_name=ENVIRONMENT["AWS_DEFAULT_REGION"],
        )
        config = botocore.config.Config(
            retries=retries, proxies={}, connect_timeout=5, read_timeout=10, **options
        )
        return session.client("workspaces", endpoint_url=self.endpoint, config=config)

    def create(self, name, source=GOLD, client=None, **more):
        client = client or self.boto3
        return client.create_updated_workspace_image(
            Name=name, Description="An update", SourceImageId=source, **more
        )["ImageId"]

    def refused(self, code, call, *args, **kwargs):
        """Makes a call that must fail with this code, and gives the whole answer."""
        try:
            result = call(*args, **kwargs)
        except botocore.exceptions.ClientError as error:
            equal(error.response["Error"]["Code"], code)
            return error
        raise AssertionError(f"no {code}, but {result!r}")

    def images(self, **asked):
        images, token = [], {}
        while True:
            page = self.boto3.describe_workspace_images(**asked, **token)
            images += page["Images"]
            if not page.get("NextToken"):
                return images
            token = {"NextToken": page["NextToken"]}

    def state(self, image):
        found = self.images(ImageIds=[image])
        return found[0]["State"] if found else None

    def aws(self, *args):
        """Runs the AWS CLI that belongs to this Python, or the one on the PATH."""
        beside = pathlib.Path(sys.executable).parent / "aws"
        program = str(beside) if beside.exists() else shutil.which("aws")
        if not program:
            raise AssertionError("there is no AWS CLI: pip install -r requirements.txt")
        command = [program, "--endpoint-url", self.endpoint, "--output", "json", "workspaces", *args]
        return subprocess.run(
            command, env=ENVIRONMENT, capture_output=True, text=True, timeout=PATIENCE
        )

    def aws_json(self, *args):
        done = self.aws(*args)
        if done.returncode != 0:
            raise AssertionError(f"exit {done.returncode}: {done.stderr.strip()}")
        return json.loads(done.stdout) if done.stdout.strip() else {}

    def aws_refused(self, code, *args):
        done = self.aws(*args)
        if done.returncode == 0 or f"({code})" not in done.stderr:
            raise AssertionError(f"exit {done.returncode}: {done.stderr.strip()}")


@check
def boto3_lists_every_page(c):
    first = c.boto3.describe_workspace_images()
    equal([len(first["Images"]), bool(first.get("NextToken"))], [2, True])
    equal([i["ImageId"] for i in c.images()], [GOLD, LINUX, FAILED, BUILDING, SHARED])
    equal([i["Name"] for i in c.images(ImageType="OWNED")], ["Gold", "Linux", "Failed", "Building"])
    equal([i["Name"] for i in c.images(ImageType="SHARED", MaxResults=1)], ["Shared"])


@check
def boto3_reads_every_member(c):
    [gold] = c.images(ImageIds=[GOLD])
    created = gold.pop("Created")
    equal(created, datetime.datetime(2026, 2, 3, 9, 15, 42, 541000, tzinfo=datetime.timezone.utc))
    equal(gold, {
        "ImageId": GOLD, "Name": "Gold", "Description": "Finance desktop", "State": "AVAILABLE",
        "OperatingSystem": {"Type": "WINDOWS"}, "RequiredTenancy": "DEFAULT",
        "OwnerAccountId": "111122223333",
        "Updates": {"UpdateAvailable": True, "Description": "New components"},
    })
    [failed] = c.images(ImageIds=[FAILED])
    equal([failed["State"], failed["ErrorCode"]], ["ERROR", "ImportFailed"])
    details = [{"ErrorCode": "PendingReboot", "ErrorMessage": "A reboot is pending"}]
    equal(failed["ErrorDetails"], details)
    equal(c.images(ImageIds=["wsi-999999999"]), [])


@check
def boto3_has_a_request_id(c):
    page = c.boto3.describe_workspace_images()
    if not re.fullmatch(r"[0-9a-f-]{36}", page["ResponseMetadata"]["RequestId"]):
        raise AssertionError(page["ResponseMetadata"])


@check
def a_foreign_page_token_is_refused(c):
    call = c.boto3.describe_workspace_images
    c.refused("InvalidParameterValuesException", call, NextToken="x")


@check
def boto3_creates_an_image_that_is_listed_late_and_then_finished(c):
    image = c.create("Made_by_boto3", Tags=[{"Key": "team", "Value": "a"}])
    equal([i for i in c.images() if i["ImageId"] == image], [])
    equal(c.state(image), "PENDING")
    # The one wait for time: the build, of two seconds.
    until = time.monotonic() + PATIENCE
    while c.state(image) != "AVAILABLE":
        if time.monotonic() > until:
            raise AssertionError(f"still {c.state(image)}")
        time.sleep(0.2)
    tags = c.boto3.describe_tags(ResourceId=image)["TagList"]
    equal(tags, [{"Key": "team", "Value": "a"}])


@check
def refusals_are_the_models_exceptions(c):
    exceptions = c.boto3.exceptions
    for name, source, expected in [
        ("Made_by_boto3", GOLD, exceptions.ResourceAlreadyExistsException),
        ("New", "wsi-999999999", exceptions.ResourceNotFoundException),
        ("New", SHARED, exceptions.ResourceNotFoundException),
        ("New", BUILDING, exceptions.InvalidResourceStateException),
        ("New", FAILED, exceptions.InvalidResourceStateException),
        ("New", LINUX, exceptions.OperationNotSupportedException),
    ]:
        try:
            c.create(name, source)
        except expected as error:
            equal(error.response["ResponseMetadata"]["HTTPStatusCode"], 400)
            if expected is exceptions.ResourceNotFoundException:
                equal(error.response["ResourceId"], source)
            if expected is exceptions.OperationNotSupportedException:
                equal(error.response["reason"], "UNSUPPORTED_OPERATING_SYSTEM")
        else:
            raise AssertionError(f"{name} of {source} was created")


@check
def values_beyond_the_model_are_refused(c):
    c.refused("ValidationException", c.create, "with space")
    c.refused("ValidationException", c.create, "a" * 65)
    c.refused("ValidationException", c.create, "New", source="ami-0123456789")
    tags = [{"Key": "aws:x", "Value": ""}]
    c.refused("InvalidParameterValuesException", c.create, "New", Tags=tags)


@check
def an_error_code_is_found_in_a_namespace(c):
    # The third place, the header x-amzn-errortype, is none for boto3: it reads a JSON service's code from the body alone.
    c.refused("ExpiredTokenException", c.create, "Expired")


@check
def tags_alone_are_denied(c):
    tags = [{"Key": "team", "Value": "a"}]
    c.refused("AccessDeniedException", c.create, "Denied", Tags=tags)


@check
def a_500_without_a_code_is_a_500(c):
    error = c.refused("500", c.create, "Html")
    equal(error.response["ResponseMetadata"]["HTTPStatusCode"], 500)


@check
def a_cut_connection_leaves_the_image(c):
    try:
        c.create("Cut")
    except botocore.exceptions.HTTPClientError:
        pass
    else:
        raise AssertionError("the create was answered")
    c.refused("ResourceAlreadyExistsException", c.create, "Cut")


@check
def a_clients_own_retry_meets_the_image_that_it_made(c):
    retrying = c.client({"mode": "standard", "total_max_attempts": 3})
    c.refused("ResourceAlreadyExistsException", c.create, "Twice", client=retrying)


@check
def the_quota_is_reached(c):
    # Gold, Linux, Failed, Building, Made_by_boto3, Cut and Twice are seven; the shared image does not count.
    c.refused("ResourceLimitExceededException", c.create, "Eighth")


@check
def boto3_tags_and_deletes(c):
    image = next(i["ImageId"] for i in c.images() if i["Name"] == "Made_by_boto3")
    c.boto3.create_tags(ResourceId=image, Tags=[{"Key": "tier", "Value": ""}])
    tags = c.boto3.describe_tags(ResourceId=image)["TagList"]
    equal(tags, [{"Key": "team", "Value": "a"}, {"Key": "tier", "Value": ""}])
    c.boto3.delete_workspace_image(ImageId=image)
    equal(c.images(ImageIds=[image]), [])
    c.refused("ResourceNotFoundException", c.boto3.describe_tags, ResourceId=image)
    c.refused("InvalidResourceStateException", c.boto3.delete_workspace_image, ImageId=BUILDING)


@check
def the_cli_lists_images(c):
    # The CLI goes from page to page by itself, unless it is told not to.
    every = c.aws_json("describe-workspace-images")["Images"]
    equal([i["ImageId"] for i in every], [i["ImageId"] for i in c.images()])
    page = c.aws_json("describe-workspace-images", "--no-paginate")
    equal([i["ImageId"] for i in page["Images"]], [i["ImageId"] for i in every[:2]])
    token = page["NextToken"]
    page = c.aws_json("describe-workspace-images", "--no-paginate", "--next-token", token)
    equal([i["ImageId"] for i in page["Images"]], [i["ImageId"] for i in every[2:4]])
    [gold] = c.aws_json("describe-workspace-images", "--image-ids", GOLD)["Images"]
    # Version 1 of the CLI shows a time as it came, version 2 in ISO 8601.
    created = gold["Created"]
    if not isinstance(created, float):
        created = datetime.datetime.fromisoformat(created.replace("Z", "+00:00")).timestamp()
    equal(created, 1770110142.541)


@check
def the_cli_creates_tags_and_deletes(c):
    made = c.aws_json(
        "create-updated-workspace-image", "--name", "Made_by_CLI", "--description", "An update",
        "--source-image-id", GOLD, "--tags", "Key=team,Value=b",
    )
    image = made["ImageId"]
    equal(c.aws_json("create-tags", "--resource-id", image, "--tags", "Key=tier,Value=x"), {})
    tags = c.aws_json("describe-tags", "--resource-id", image)["TagList"]
    equal(tags, [{"Key": "team", "Value": "b"}, {"Key": "tier", "Value": "x"}])
    until = time.monotonic() + PATIENCE
    while c.state(image) != "AVAILABLE" and time.monotonic() < until:
        time.sleep(0.2)
    equal(c.aws_json("delete-workspace-image", "--image-id", image), {})
    equal(c.aws_json("describe-workspace-images", "--image-ids", image)["Images"], [])


@check
def the_cli_names_the_exceptions(c):
    create = ["create-updated-workspace-image", "--description", "An update"]
    for name, source, code in [
        ("Gold", GOLD, "ResourceAlreadyExistsException"),
        ("New", "wsi-999999999", "ResourceNotFoundException"),
        ("New", BUILDING, "InvalidResourceStateException"),
        ("New", LINUX, "OperationNotSupportedException"),
    ]:
        c.aws_refused(code, *create, "--name", name, "--source-image-id", source)


@check
def other_operations_and_unsigned_requests_are_refused(c):
    c.refused("UnknownOperationException", c.boto3.describe_workspaces)
    unsigned = c.client({"total_max_attempts": 1}, signature_version=botocore.UNSIGNED)
    code = "MissingAuthenticationTokenException"
    c.refused(code, unsigned.describe_workspace_images)


@check
def calls_beyond_the_rate_are_throttled_and_a_patient_client_gets_through(c):
    for _ in range(400):
        try:
            c.boto3.describe_workspace_images()
        except botocore.exceptions.ClientError as error:
            equal(error.response["Error"]["Code"], "ThrottlingException")
            equal(error.response["Error"]["Message"], "Rate exceeded")
            break
    else:
        raise AssertionError("400 calls in a row and none was throttled")
    patient = c.client({"mode": "standard", "total_max_attempts": 10})
    for _ in range(5):
        patient.describe_workspace_images()


@contextlib.contextmanager
def serving(program):
    """Runs `repave simulate`, and gives the address that it says it listens on."""
    command = [program, "simulate", "--listen", "127.0.0.1:0", "--seed", str(HERE / "seed.yaml")]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=ENVIRONMENT
    )
    # Ends the wait below if the line never comes.
    timer = threading.Timer(PATIENCE, process.kill)
    timer.start()
    try:
        said = []
        for line in process.stdout:
            said.append(line)
            if found := re.search(r"listening on (http://\S+:\d+)", line):
                timer.cancel()
                # Read on, so that its log never fills the pipe.
                threading.Thread(target=process.stdout.read, daemon=True).start()
                yield found[1]
                return
        print(f"{program} did not say where it listens:\n{''.join(said)}", file=sys.stderr)
        sys.exit(2)
    finally:
        timer.cancel()
        process.terminate()
        process.wait(timeout=PATIENCE)


def main():
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        print(__doc__, file=sys.stderr)
        sys.exit(2)
    where = sys.argv[1]
    server = contextlib.nullcontext(where) if where.startswith("http") else serving(where)
    failed = 0
    with server as endpoint:
        clients = Clients(endpoint)
        for function in checks:
            name = function.__name__.replace("_", " ")
            try:
                function(clients)
            except Exception as error:  # Whatever a client raises is a failed check, and the next one is made.
                failed += 1
                print(f"FAILED  {name}: {type(error).__name__}: {error}", flush=True)
            else:
                print(f"passed  {name}", flush=True)
    print(f"{len(checks) - failed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
