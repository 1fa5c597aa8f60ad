#!/usr/bin/env python3
"""Checks the simulated WorkSpaces and STS APIs through clients that repave did not write: boto3 and the AWS CLI.

    check.py PATH_OF_REPAVE     starts `repave simulate` with seed.yaml, checks it and ends it; then the same with the seed
                                of several accounts, examples/simulator/accounts.yaml
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
import tempfile
import threading
import time

import boto3
import botocore.config
import botocore.exceptions

HERE = pathlib.Path(__file__).resolve().parent
EXAMPLES = HERE.parents[1] / "examples" / "simulator"
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


def run_cli(arguments, environment):
    """Runs the AWS CLI that belongs to this Python, or the one on the PATH."""
    beside = pathlib.Path(sys.executable).parent / "aws"
    program = str(beside) if beside.exists() else shutil.which("aws")
    if not program:
        raise AssertionError("there is no AWS CLI: pip install -r requirements.txt")
    command = [program, *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=PATIENCE)


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
        command = ["--endpoint-url", self.endpoint, "--output", "json", "workspaces", *args]
        return run_cli(command, ENVIRONMENT)

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


HUB = "arn:aws:iam::999988887777:role/vdi-hub"
FINANCE, DESIGN = (f"arn:aws:iam::{account}:role/repave" for account in ("111122223333", "444455556666"))
INVALID = "The security token included in the request is invalid."

account_checks = []


def account_check(function):
    """Collects the checks of several accounts."""
    account_checks.append(function)
    return function


class Accounts:
    """Clients of a simulator with several accounts. Keys are the keyword arguments of a boto3 client."""

    CALLER = {"aws_access_key_id": "AKIAIOSFODNN7EXAMPLE", "aws_secret_access_key": "simulated"}

    def __init__(self, endpoint, program):
        self.endpoint, self.program = endpoint, program

    def client(self, service, keys=None, region="eu-west-1", **options):
        # The limits of the model are the simulator's to check.
        config = botocore.config.Config(
            retries={"total_max_attempts": 1}, proxies={}, parameter_validation=False, **options
        )
        return boto3.client(
            service, endpoint_url=self.endpoint, region_name=region, config=config, **(keys or self.CALLER)
        )

    def assume(self, role, by=None, **more):
        asked = {"RoleSessionName": "check", "ExternalId": "repave-1a2b", **more}
        asked = {name: value for name, value in asked.items() if value is not None}
        return self.client("sts", by).assume_role(RoleArn=role, **asked)

    def keys(self, role, by=None):
        credentials = self.assume(role, by)["Credentials"]
        return {
            "aws_access_key_id": credentials["AccessKeyId"],
            "aws_secret_access_key": credentials["SecretAccessKey"],
            "aws_session_token": credentials["SessionToken"],
        }

    def chained(self, role):
        return self.keys(role, self.keys(HUB))

    def refused(self, status, code, call, *args, **kwargs):
        """Makes a call that must fail with this status and code, and gives the message."""
        try:
            result = call(*args, **kwargs)
        except botocore.exceptions.ClientError as error:
            answer = error.response
            found = answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"]
            equal(found, (status, code))
            return answer["Error"]["Message"]
        raise AssertionError(f"no {code}, but {result!r}")

    def images(self, keys, region):
        listed = self.client("workspaces", keys, region).describe_workspace_images()
        return {image["Name"]: image["ImageId"] for image in listed["Images"]}


@account_check
def the_caller_is_who_the_seed_says(c):
    identity = c.client("sts").get_caller_identity()
    equal(identity["Arn"], "arn:aws:iam::999988887777:user/ci")
    equal(identity["Account"], "999988887777")


@account_check
def sts_is_throttled_in_one_region(c):
    there = c.client("sts", region="us-east-1")
    for _ in range(2):
        equal(c.refused(400, "Throttling", there.get_caller_identity), "Rate exceeded")
    equal(there.get_caller_identity()["Account"], "999988887777")


@account_check
def a_chain_of_two_roles_reaches_the_second_account(c):
    hub = c.keys(HUB)
    answer = c.assume(FINANCE, hub)
    arn = "arn:aws:sts::111122223333:assumed-role/repave/check"
    equal(answer["AssumedRoleUser"]["Arn"], arn)
    credentials = answer["Credentials"]
    equal([credentials["AccessKeyId"][:4], len(credentials["AccessKeyId"])], ["ASIA", 20])
    left = credentials["Expiration"] - datetime.datetime.now(datetime.timezone.utc)
    if not 3500 < left.total_seconds() <= 3600:
        raise AssertionError(left)
    equal(credentials["Expiration"].microsecond, 0)
    keys = c.keys(FINANCE, hub)
    identity = c.client("sts", keys).get_caller_identity()
    equal([identity["Account"], identity["Arn"]], ["111122223333", arn])
    equal(identity["UserId"], answer["AssumedRoleUser"]["AssumedRoleId"])
    equal(c.client("sts", hub).get_caller_identity()["Account"], "999988887777")


@account_check
def only_the_trusted_with_the_external_id_get_a_session(c):
    hub = c.keys(HUB)
    user, session = "iam::999988887777:user/ci", "sts::999988887777:assumed-role/vdi-hub/check"
    unknown = "arn:aws:iam::111122223333:role/unknown"
    for by, name, role, external_id in [
        (hub, session, FINANCE, None), (hub, session, FINANCE, "other"), (hub, session, unknown, None),
        (None, user, FINANCE, "repave-1a2b"),
    ]:
        message = c.refused(403, "AccessDenied", c.assume, role, by, ExternalId=external_id)
        equal(message, f"User: arn:aws:{name} is not authorized to perform: sts:AssumeRole on resource: {role}")


@account_check
def sessions_are_held_to_the_limits_of_sts(c):
    for more in [
        {"RoleSessionName": "x"}, {"RoleSessionName": "a b"}, {"RoleSessionName": None}, {"DurationSeconds": 899},
        {"DurationSeconds": 43201}, {"DurationSeconds": 3601}, {"ExternalId": "x"},
    ]:
        c.refused(400, "ValidationError", c.assume, HUB, **more)
    hub = c.keys(HUB)
    message = c.refused(400, "ValidationError", c.assume, FINANCE, hub, DurationSeconds=3601)
    equal(message, "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.")


@account_check
def accounts_and_regions_differ(c):
    finance, design = c.chained(FINANCE), c.chained(DESIGN)
    here = c.images(finance, "eu-west-1")
    equal(sorted(here), ["Engineering_gold", "Finance_gold", "Laboratory_gold"])
    there = c.images(finance, "us-east-1")
    equal([sorted(there), there["Finance_gold"] == here["Finance_gold"]], [["Finance_gold"], False])
    equal(c.images(finance, "eu-north-1"), {})
    one, other = (c.images(design, region) for region in ("eu-west-1", "us-east-1"))
    equal([sorted(one), sorted(other), one == other], [["Design_gold"], ["Design_gold"], False])
    equal(c.images(None, "eu-west-1"), {})
    made = c.client("workspaces", finance).create_updated_workspace_image(
        Name="New", Description="An update", SourceImageId=here["Finance_gold"]
    )
    equal(c.images(finance, "eu-west-1")["New"], made["ImageId"])
    equal([sorted(c.images(finance, "us-east-1")), sorted(c.images(design, "eu-west-1"))], [["Finance_gold"], ["Design_gold"]])
    delete = c.client("workspaces", design).delete_workspace_image
    c.refused(400, "ResourceNotFoundException", delete, ImageId=made["ImageId"])


@account_check
def a_session_without_its_token_is_refused(c):
    keys, other = c.keys(HUB), c.keys(HUB)
    for token in [None, "x", other["aws_session_token"]]:
        wrong = {**keys, "aws_session_token": token}
        identify = c.client("sts", wrong).get_caller_identity
        equal(c.refused(403, "InvalidClientTokenId", identify), INVALID)
        listing = c.client("workspaces", wrong).describe_workspace_images
        equal(c.refused(400, "UnrecognizedClientException", listing), INVALID)


@account_check
def wrong_regions_and_unsigned_requests_are_refused(c):
    c.refused(403, "SignatureDoesNotMatch", c.client("sts", region="here").get_caller_identity)
    listing = c.client("workspaces", region="here").describe_workspace_images
    c.refused(400, "InvalidSignatureException", listing)
    unsigned = c.client("sts", signature_version=botocore.UNSIGNED)
    c.refused(403, "MissingAuthenticationToken", unsigned.get_caller_identity)


@account_check
def sessions_expire(c):
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as seed:
        seed.write((EXAMPLES / "accounts.yaml").read_text() + "\nsessionDuration: 2s\n")
        seed.flush()
        with serving(c.program, seed.name) as endpoint:
            c = Accounts(endpoint, c.program)
            keys = c.keys(HUB)
            identify = c.client("sts", keys).get_caller_identity
            identify()
            time.sleep(2.1)
            message = "The security token included in the request is expired"
            equal(c.refused(403, "ExpiredToken", identify), message)
            listing = c.client("workspaces", keys).describe_workspace_images
            equal(c.refused(400, "ExpiredTokenException", listing), message)
            c.refused(403, "ExpiredToken", c.assume, FINANCE, keys)


@account_check
def the_cli_assumes_the_roles_of_a_profile(c):
    # The CLI keeps sessions at home, and would use those of an earlier simulator.
    with tempfile.TemporaryDirectory() as home:
        environment = {**ENVIRONMENT, "HOME": home, "AWS_CONFIG_FILE": str(EXAMPLES / "aws-config")}
        environment["AWS_ENDPOINT_URL"] = c.endpoint
        for profile, account in [("hub", "999988887777"), ("finance", "111122223333"), ("design", "444455556666")]:
            done = run_cli(["--profile", profile, "--output", "json", "sts", "get-caller-identity"], environment)
            if done.returncode != 0:
                raise AssertionError(f"exit {done.returncode}: {done.stderr.strip()}")
            equal(json.loads(done.stdout)["Account"], account)


@contextlib.contextmanager
def serving(program, seed):
    """Runs `repave simulate`, and gives the address that it says it listens on."""
    command = [program, "simulate", "--listen", "127.0.0.1:0", "--seed", str(seed)]
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
    if where.startswith("http"):
        results = made(checks, Clients(where))
    else:
        with serving(where, HERE / "seed.yaml") as endpoint:
            results = made(checks, Clients(endpoint))
        with serving(where, EXAMPLES / "accounts.yaml") as endpoint:
            results += made(account_checks, Accounts(endpoint, where))
    failed = results.count(False)
    print(f"{len(results) - failed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


def made(checks, clients):
    """Makes the checks, and gives for each whether it passed."""
    results = []
    for function in checks:
        name = function.__name__.replace("_", " ")
        try:
            function(clients)
        except Exception as error:  # Whatever a client raises is a failed check, and the next one is made.
            results.append(False)
            print(f"FAILED  {name}: {type(error).__name__}: {error}", flush=True)
        else:
            results.append(True)
            print(f"passed  {name}", flush=True)
    return results


if __name__ == "__main__":
    main()
