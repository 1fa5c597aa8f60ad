#!/usr/bin/env python3
"""Checks that nothing in the environment can break a run of repave: no variable, profile or file makes it panic, hang or
print a secret.

    environment.py PATH_OF_REPAVE [--cases N] [--seed S]   runs N cases (2000) of seed S (1)
    environment.py PATH_OF_REPAVE [--seed S] --case K      runs case K alone, prints all of it and keeps its folder
    environment.py --self-test                             checks with programs that must fail that this check finds them

A case is a set of variables and files of every kind that the AWS SDKs and repave read, with values that are right, empty,
huge, not text, not there or nonsense. The same seed and number give the same case. Nothing leaves this machine: either
the endpoints are on loopback, or a proxy on loopback is given for all the others, and the generator never breaks both.

A case fails if repave is ended by a signal, does not end, ends with a code that docs/exit-codes.md does not have, says
that it panicked, ends its messages with another line than `repave: ...`, or if a secret is in what it prints or writes.

Prints each failed case with the command that repeats it and, last, `N passed, M failed`. Exits with 1 if a case failed,
with 2 if none could be run.
"""

import argparse
import concurrent.futures
import hashlib
import json
import os
import pathlib
import random
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile

# The folder stays as Git has it.
sys.dont_write_bytecode = True

import servers

# Every secret in a case contains this.
CANARY = "cAnArY"
CODES = {0, 1, 2, 3, 4, 5, 7, 8, 9, 64, 65}
LIMIT = 30
WORKERS = 4
COMMANDS = [["plan"]] * 14 + [["validate"], ["status"], ["reconcile", "--once", "--timeout", "1s"],
    ["reconcile", "--once", "--timeout", "1s"]]

# What a variable or a key of a profile holds when it is right.
VARIABLES = {
    "AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "secret",
    "AWS_SECURITY_TOKEN": "secret",
    "AWS_PROFILE": "profile", "AWS_DEFAULT_PROFILE": "profile", "AWS_REGION": "region", "AWS_DEFAULT_REGION": "region",
    "AWS_CONFIG_FILE": "path", "AWS_SHARED_CREDENTIALS_FILE": "path", "AWS_CA_BUNDLE": "path", "AWS_RETRY_MODE": "mode",
    "AWS_MAX_ATTEMPTS": "number", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "switch", "AWS_USE_FIPS_ENDPOINT": "switch",
    "AWS_USE_DUALSTACK_ENDPOINT": "switch", "AWS_ENDPOINT_URL": "url", "AWS_ENDPOINT_URL_WORKSPACES": "url",
    "AWS_ENDPOINT_URL_STS": "url",
    "AWS_ENDPOINT_URL_SSO": "url", "AWS_ENDPOINT_URL_SSO_OIDC": "url", "AWS_EC2_METADATA_DISABLED": "switch",
    "AWS_EC2_METADATA_SERVICE_ENDPOINT": "url", "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE": "mode",
    "AWS_EC2_METADATA_V1_DISABLED": "switch",
    "AWS_METADATA_SERVICE_TIMEOUT": "number", "AWS_METADATA_SERVICE_NUM_ATTEMPTS": "number", "AWS_IMDS_USE_IPV6": "switch",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI": "url", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "text",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN": "secret", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "path",
    "AWS_WEB_IDENTITY_TOKEN_FILE": "path", "AWS_ROLE_ARN": "arn", "AWS_ROLE_SESSION_NAME": "text",
    "AWS_STS_REGIONAL_ENDPOINTS": "mode",
    "AWS_DEFAULTS_MODE": "mode", "AWS_SDK_UA_APP_ID": "text", "AWS_CREDENTIAL_EXPIRATION": "time", "AWS_ACCOUNT_ID": "text",
    "AWS_ACCOUNT_ID_ENDPOINT_MODE": "mode", "AWS_REQUEST_CHECKSUM_CALCULATION": "mode",
    "AWS_RESPONSE_CHECKSUM_VALIDATION": "mode",
    "AWS_REQUEST_MIN_COMPRESSION_SIZE_BYTES": "number", "AWS_DISABLE_REQUEST_COMPRESSION": "switch",
    "AWS_AUTH_SCHEME_PREFERENCE": "mode",
    "AWS_SIGV4A_SIGNING_REGION_SET": "region", "AWS_DISABLE_HOST_PREFIX_INJECTION": "switch",
    "AWS_LOGIN_CACHE_DIRECTORY": "path",
    "AWS_BEARER_TOKEN_WORKSPACES": "secret", "AWS_EXECUTION_ENV": "text", "AWS_LAMBDA_FUNCTION_NAME": "text",
    "_X_AMZN_TRACE_ID": "text",
    "AWS_S3_USE_ARN_REGION": "switch", "AWS_S3_DISABLE_EXPRESS_SESSION_AUTH": "switch", "AWS_PAGER": "text",
    "AWS_DATA_PATH": "path",
    "HOME": "path", "TERM": "text", "COLUMNS": "number", "NO_COLOR": "switch", "RUST_LOG": "text",
    "RUST_BACKTRACE": "number", "LANG": "text",
    "SSL_CERT_FILE": "path", "SSL_CERT_DIR": "path", "GITHUB_STEP_SUMMARY": "path", "NOTIFY_SOCKET": "path",
    "WATCHDOG_USEC": "number",
    "CI": "switch", "GITHUB_ACTIONS": "switch",
    "REPAVE_MANIFESTS": "path", "REPAVE_ALLOW_EMPTY": "switch", "REPAVE_STATUS_FILE": "path", "REPAVE_REGION": "region",
    "REPAVE_PROFILE": "profile", "REPAVE_ENDPOINT_URL": "url", "REPAVE_SIMULATE": "switch", "REPAVE_API_RATE": "number",
    "REPAVE_SETTLE_TIME": "duration", "REPAVE_LOG_LEVEL": "mode", "REPAVE_LOG_FORMAT": "mode", "REPAVE_COLOR": "mode",
    "REPAVE_OUTPUT": "mode",
    "REPAVE_WAIT": "switch", "REPAVE_MAX_CREATES": "number", "REPAVE_EXPECT_PLAN": "text", "REPAVE_TIMEOUT": "duration",
    "REPAVE_INTERVAL": "duration", "REPAVE_WATCH_POLL": "duration", "REPAVE_HEALTH_ADDR": "text",
    "REPAVE_DETAILED_EXITCODE": "switch",
    "REPAVE_JSON_INTO": "path", "REPAVE_MARKDOWN_INTO": "path", "REPAVE_STEP_SUMMARY": "switch", "REPAVE_REASON": "text",
    "REPAVE_EXPECT_ACCOUNT": "text", "REPAVE_REQUIRE_CLEAN": "switch", "REPAVE_BRANCH": "text",
}
PROXIES = ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"]
# These stay until a signal comes.
NEVER = {"REPAVE_WATCH", "REPAVE_ONCE"}
KEYS = {
    "aws_access_key_id": "id", "aws_secret_access_key": "secret", "aws_session_token": "secret",
    "aws_security_token": "secret",
    "aws_account_id": "text", "region": "region", "output": "mode", "role_arn": "arn", "source_profile": "profile",
    "credential_source": "source",
    "external_id": "text", "mfa_serial": "text", "role_session_name": "text", "duration_seconds": "number",
    "web_identity_token_file": "path",
    "credential_process": "process", "sso_session": "profile", "sso_start_url": "start", "sso_region": "region",
    "sso_account_id": "text",
    "sso_role_name": "text", "login_session": "arn", "endpoint_url": "url", "services": "profile", "ca_bundle": "path",
    "retry_mode": "mode",
    "max_attempts": "number", "use_fips_endpoint": "switch", "use_dualstack_endpoint": "switch",
    "ignore_configured_endpoint_urls": "switch",
    "defaults_mode": "mode", "sdk_ua_app_id": "text", "account_id_endpoint_mode": "mode",
    "request_checksum_calculation": "mode",
    "response_checksum_validation": "mode", "request_min_compression_size_bytes": "number",
    "disable_request_compression": "switch",
    "auth_scheme_preference": "mode", "sigv4a_signing_region_set": "region", "disable_host_prefix_injection": "switch",
    "ec2_metadata_service_endpoint": "url", "ec2_metadata_service_endpoint_mode": "mode",
    "ec2_metadata_v1_disabled": "switch",
    "metadata_service_timeout": "number", "metadata_service_num_attempts": "number", "sts_regional_endpoints": "mode",
    "tcp_keepalive": "switch",
    "s3": "nested", "workspaces": "nested", "sts": "nested", "cli_pager": "text", "parameter_validation": "switch",
}
SESSION_KEYS = {"sso_region": "region", "sso_start_url": "start", "sso_registration_scopes": "text",
    "sso_account_id": "text"}


class World:
    """The servers, and a port that refuses every connection."""

    def __init__(self):
        self.servers = servers.Servers()
        self.socket = socket.socket()
        # Bound, so that nobody else gets the port, and not listened on.
        self.socket.bind(("127.0.0.1", 0))
        self.dead = f"127.0.0.1:{self.socket.getsockname()[1]}"
        self.urls = self.servers.urls


class Generator:
    def __init__(self, world, seed, number, extra):
        self.random = random.Random(f"{seed}:{number}")
        self.world = world
        self.variables = {**extra, **VARIABLES}
        self.big = 0

    def chance(self, share):
        return self.random.random() < share

    def secret(self):
        return CANARY + "".join(self.random.choice("abcdefXYZ/+=0123") for _ in range(20))

    def url(self, service="ws0"):
        """A URL that answers, or that a client must not fall over; none reaches another machine."""
        address = self.world.urls[service].removeprefix("http://")
        return self.random.choice([
            f"http://{address}", f"http://{address}", f"http://{address}/", f"http://{address}/path?query#part",
            f"https://{address}", f"http://{self.world.dead}", f"http://user:{self.secret()}@{address}",
            f"https://user:{self.secret()}@{self.world.dead}", f"http://{self.secret()}@{address}", f"HTTP://{address}",
            f"//{address}", f"{address}", "http://127.0.0.1:0", "http://127.0.0.1:99999", "http://127.0.0.1:-1",
            "http://127.0.0.1:x",
            "http://[::1", "http://[::1]:", "http://[::g]", "http://[fe80::1%25eth0]:1", "http://", "http:", "://",
            "unix:///run/x.sock",
            "file:///etc/hostname", "ftp://127.0.0.1/", f" http://{address} ", "http://127.0.0.1 :1/",
            f"http://localhost:{address.split(':')[1]}",
            "http://127.0.0.1:1/%zz", "http://user:pass:" + self.secret() + "@", "javascript:x", "http://0x7f.1:1",
            "http://127.0.0.1:1/" + "a" * 3000,
        ])

    def right(self, kind, name):
        """A value that this variable or key can have."""
        pick = self.random.choice
        service = next((s for s in ("sts", "sso", "imds", "agent") if s in name.lower()),
            "imds" if "METADATA" in name.upper() else "ws0")
        service = "agent" if "CONTAINER" in name else service
        return {
            "id": lambda: "AKIAIOSFODNN7EXAMPLE",
            "secret": self.secret,
            "profile": lambda: pick(["default", "work", "base", "role", "sso", "web", "process"] * 3 + ["loop", "bare",
                "nobody"]),
            "region": lambda: pick(["eu-west-1", "us-east-1", "cn-north-1", "us-gov-west-1", "xx-east-9", "aws-global"]),
            "path": lambda: str(pick([self.home / p for p in ("config", "credentials", "token", "ca.pem", "folder",
                "missing", "closed", "manifests", "out.json")])),
            "mode": lambda: pick(["legacy", "standard", "adaptive", "auto", "ipv4", "IPv6", "json", "text", "wide", "yaml",
                "debug", "trace", "regional",
                                  "when_required", "preferred", "in-region", "sigv4", "always", "never", "github",
                                  "sarif"]),
            "number": lambda: pick(["0", "1", "2", "3", "10", "+1", "1.5", "0x10", "1000", "4294967296"]),
            "switch": lambda: pick(["true", "false", "TRUE", "1", "0", "yes", "no", "on", "off"]),
            "url": lambda: self.url(service),
            "arn": lambda: pick(["arn:aws:iam::111122223333:role/work", "arn:aws:iam::111122223333:role/denied",
                "arn:aws:iam::1:user/x", "arn:", "work"]),
            "source": lambda: pick(["Environment", "Ec2InstanceMetadata", "EcsContainer", "environment", "Nowhere"]),
            "process": lambda: pick([f"cat {self.home}/process.json", f"cat {self.home}/bad.json", "false", "true",
                "echo hello", "/nonexistent/x",
                                     f"cat {self.home}/process.bin", "sleep 0.1", "echo '{\"Version\": 1",
                                     "sh -c 'kill -9 $$'",
                                     f"sh -c 'echo {self.secret()}; exit 1'"]),
            "start": lambda: "https://a.example/start",
            "time": lambda: pick(["2099-01-01T00:00:00Z", "2001-01-01T00:00:00Z", "2099-13-01T00:00:00Z", "tomorrow"]),
            "duration": lambda: pick(["1s", "15m", "1h 30m", "0s", "8d", "-1s", "1"]),
            "text": lambda: pick(["x", "a b", "given-name", "/credentials", "xterm", "dumb", "C", "wsi-1", "4711",
                "111122223333", "true"]),
            "nested": lambda: f"\n  endpoint_url = {self.url()}\n  region = eu-west-1",
        }[kind]()

    def wrong(self):
        """A value that nothing can have, as text or, since a variable may hold that too, as bytes."""
        values = [
            "", "", " ", "\t", "x", "null", "None", '"quoted"', "'quoted'", '"', "a\nb", "\n", "eu-west-1\n", "\r\n",
            "\x01\x02", "\x1b[31mred\x1b[0m",
            "\x7f", b"\xff\xfe\xfd", b"abc\xc3", "é", "日本語", "\u202e", "-1", "-0", "99999999999999999999", "1e309", "NaN",
            "%s%n%x", "${HOME}", "$(id)",
            "{{x}}", "~", "~nobody/x", "=", "==", "a=b", ",", ";", "#", "[default]", "\\", "\\n", "..", ".", "*", "?",
            "http", "true\nfalse",
            "x y z", "\ufeff", "\u00a0", "٣", "0" * 400,
        ]
        if self.big < 3 and self.chance(0.08):
            self.big += 1
            return self.random.choice(["A", "é", "9", "/", "\n", "a=", "["]) * 51200
        return self.random.choice(values)

    def value(self, kind, name):
        if self.chance(0.6):
            return self.right(kind, name)
        wrong = self.wrong()
        if kind == "secret" and wrong and self.chance(0.7):
            # A secret of a wrong form is a secret all the same.
            return wrong + CANARY if isinstance(wrong, str) else wrong + CANARY.encode()
        return wrong

    def profile(self, fuzzed, given=()):
        """Lines with some keys that are not in the given lines."""
        given = list(given)
        lines = []
        for _ in range(fuzzed):
            key = self.random.choice(list(KEYS))
            # A key that stands in its section twice would hide the others.
            if key.encode() in b" ".join(lines + given) and self.chance(0.95):
                continue
            reaches_out = key == "services" or KEYS[key] in ("url", "nested", "arn", "start", "source")
            if reaches_out and not self.endpoints_free:
                continue
            value = self.value(KEYS[key], key)
            value = value.encode() if isinstance(value, str) else value
            nested = KEYS[key] == "nested" and value.startswith(b"\n")
            unreadable = not nested and (b"\n" in value or b"\r" in value or b"\xff" in value or b"\xc3" in value)
            if unreadable and self.chance(0.95):
                # A file that cannot be read hides everything else in it.
                value = b"x"
            key = key.upper() if self.chance(0.05) else key
            lines.append(key.encode() + self.random.choice([b" = "] * 60 + [b"=", b" : ", b" "]) + value)
        return lines

    def config(self):
        """Both files, as bytes."""

        def pair(label):
            return [f"aws_access_key_id = AKIA{label}".encode(), f"aws_secret_access_key = {self.secret()}".encode()]

        sections = {
            "profile work": pair("WORK"), "profile base": pair("BASE"), "profile bare": [b"region = eu-west-1"],
            "profile process": [f"credential_process = cat {self.home}/process.json".encode()],
        }
        if self.endpoints_free:
            sections |= {
                "profile role": [b"role_arn = arn:aws:iam::111122223333:role/work", b"source_profile = base"],
                "profile loop": [b"role_arn = arn:aws:iam::111122223333:role/work", b"source_profile = loop"],
                "profile web": [b"role_arn = arn:aws:iam::111122223333:role/web",
                    f"web_identity_token_file = {self.home}/token".encode()],
                "profile sso": [b"sso_session = corp", b"sso_account_id = 111122223333", b"sso_role_name = admin"],
                "sso-session corp": [b"sso_region = eu-west-1", b"sso_start_url = https://a.example/start"],
                "services mine": [b"workspaces =", b"  endpoint_url = " + self.world.urls["ws0"].encode()],
            }
        sections["default"] = [b"region = eu-west-1", *(pair("DEFAULT") if self.chance(0.7) else [])]
        for _ in range(self.random.choice([0, 0, 0, 1, 1, 2, 4])):
            name = self.random.choice(list(sections))
            if name.startswith("sso-session"):
                key = self.random.choice(list(SESSION_KEYS))
                value = self.value(SESSION_KEYS[key], key)
                sections[name].append(key.encode() + b" = " + (value.encode() if isinstance(value, str) else value))
            else:
                sections[name] += self.profile(self.random.choice([1, 1, 1, 2, 3, 10]), sections[name])
        parts = [f"[{name}]".encode() + b"\n" + b"\n".join(lines) + b"\n" for name, lines in sections.items()]
        self.random.shuffle(parts)
        config = self.damaged(b"".join(parts)) if self.chance(0.1) else b"".join(parts)
        shared = pair("SHARED") if self.chance(0.3) else []
        lines = [b"[default]", *shared, b"[work]", *self.profile(self.random.choice([0, 0, 0, 0, 1, 3]), shared)]
        credentials = b"\n".join(lines) + b"\n"
        return config, self.damaged(credentials) if self.chance(0.05) else credentials

    def damaged(self, content):
        at = self.random.randrange(len(content))
        line = content.find(b"\n", at) + 1
        secret = self.secret().encode()
        return self.random.choice([
            lambda: b"\xef\xbb\xbf" + content, lambda: content.replace(b"\n", b"\r\n"),
            lambda: content.replace(b"\n", b"\r"), lambda: content[:at],
            lambda: content[:at] + b"\xff\xfe" + content[at:], lambda: content[:at] + b"\0" + content[at:], lambda: b"",
            lambda: b"\n" * 1000,
            lambda: content.decode("utf-8", "replace").encode("utf-16"),
            lambda: bytes(self.random.randrange(256) for _ in range(2000)),
            lambda: content[:line] + b"aws_secret_access_key " + secret + b"\n" + content[line:],
            lambda: content[:line] + b"[profile other\naws_secret_access_key = " + secret + b"\n" + content[line:],
            lambda: content[:line] + b"  " + secret + b"\n" + content[line:],
            lambda: b"aws_secret_access_key = " + secret + b"\n" + content,
            lambda: content + content, lambda: content + b"[default]\nx\n",
            lambda: content + b"x = " + b"y" * 102400 + b"\n",
            lambda: content + b"[profile " + b"z" * 102400 + b"]\n", lambda: content.replace(b" = ", b" "),
            lambda: content.replace(b"[", b"  ["),
            lambda: content.replace(b"profile ", b"profile   "),
            lambda: content + b"".join(b"[profile p%d]\nregion = x\n" % n for n in range(3000)),
        ])()

    def files(self):
        token = self.random.choice([self.secret(), self.secret() + "\n", "", "\n", "a b", b"\xff" + CANARY.encode(),
            CANARY * 20000])
        cache = {"accessToken": self.secret(), "expiresAt": self.random.choice(["2099-01-01T00:00:00Z",
            "2001-01-01T00:00:00Z", "never", "", 1, None]),
                 "refreshToken": self.secret(), "clientId": "c", "clientSecret": self.secret(),
                 "registrationExpiresAt": "2099-01-01T00:00:00Z",
                 "region": "eu-west-1", "startUrl": "https://a.example/start"}
        cached = json.dumps(cache)
        for _ in range(self.random.choice([0, 0, 1, 2])):
            key = self.random.choice(list(cache))
            cache[key] = self.random.choice([None, 1, [], {}, "", True, "\0", "x" * 100000])
            cached = json.dumps(cache)
        if self.chance(0.15):
            cached = self.random.choice([cached[:-20], "", "[]", "null", "1", "[" * 100000, b"\xff", cached * 2])
        process = {"Version": 1, "AccessKeyId": "AKIAPROCESS", "SecretAccessKey": self.secret(),
            "SessionToken": self.secret()}
        bad = {**process, **self.random.choice([{"Version": 2}, {"Version": "1"}, {"SecretAccessKey": None},
            {"Expiration": "never"}, {"Expiration": "2001-01-01T00:00:00Z"},
                                                {"AccessKeyId": ""}, {"AccessKeyId": "a\nb"},
                                                {"SessionToken": CANARY + "\n"}, {"Expiration": 1}])}
        return {
            "token": token, "process.json": json.dumps(process),
            "bad.json": self.random.choice([json.dumps(bad), json.dumps(bad)[:-5], f'{{"x": "{self.secret()}"']),
            "process.bin": b"\xff\0" + CANARY.encode(), "ca.pem": self.random.choice([
                "", "nonsense", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", b"\xff\xfe",
                "-----BEGIN CERTIFICATE-----\n" * 1000]),
            f".aws/sso/cache/{hashlib.sha1(b'corp').hexdigest()}.json": cached,
            f".aws/sso/cache/{hashlib.sha1(b'https://a.example/start').hexdigest()}.json": cached,
        }

    def case(self, home):
        """Writes the files of the case and gives its command and its variables."""
        self.home = home
        urls, dead = self.world.urls, f"http://{self.world.dead}"
        # Either what is not on loopback goes to a proxy that is, or the endpoints are what they are and the proxies vary.
        self.endpoints_free = self.chance(0.85)
        config, credentials = self.config()
        files = {"config": config, "credentials": credentials, ".aws/config": config, ".aws/credentials": credentials,
            **self.files()}
        (home / "work").mkdir()
        for name, content in files.items():
            path = home / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content)
        for folder in (home / "manifests", home / "work" / "manifests", home / "folder"):
            folder.mkdir()
            (folder / "finance.yaml").write_text(servers.MANIFEST)
        (home / "closed").write_text(CANARY)
        (home / "closed").chmod(0)
        if self.chance(0.04):
            path = home / self.random.choice([".aws/config", ".aws/credentials", "token", "ca.pem"])
            path.unlink()
            if self.chance(0.5):
                path.mkdir()

        env = {
            "PATH": os.environ["PATH"], "HOME": str(home), "AWS_REGION": "eu-west-1", "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_ENDPOINT_URL_WORKSPACES": urls["ws0"], "AWS_ENDPOINT_URL_STS": urls["sts"],
            "AWS_ENDPOINT_URL_SSO": urls["sso"],
            "AWS_ENDPOINT_URL_SSO_OIDC": urls["sso"],
        }
        if self.chance(0.5):
            env |= {"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": self.secret()}
        if self.chance(0.5):
            env[self.random.choice(["AWS_PROFILE", "REPAVE_PROFILE"])] = self.right("profile", "")
        # A wrong command line ends a run before AWS settings are read, so that most cases leave repave's variables alone.
        with_repave = self.chance(0.3)
        names = sorted(n for n in self.variables if with_repave or not n.startswith("REPAVE_"))
        for name in self.random.sample(names, self.random.choice([0, 1, 1, 1, 2, 2, 3, 5, 10, 40])):
            kind = self.variables[name]
            env[name] = self.value(kind, name)
            if name.startswith("AWS_EC2") or name.startswith("AWS_METADATA"):
                env["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = env.get("AWS_EC2_METADATA_SERVICE_ENDPOINT", urls["imds"])
                if name != "AWS_EC2_METADATA_DISABLED":
                    env.pop("AWS_EC2_METADATA_DISABLED", None)
        for name in self.random.sample(["AWS_REGION", "AWS_ENDPOINT_URL_WORKSPACES", "AWS_ENDPOINT_URL_STS",
            "AWS_ENDPOINT_URL_SSO"], 2):
            if self.endpoints_free and self.chance(0.05):
                env.pop(name, None)

        command = list(self.random.choice(COMMANDS))
        if self.endpoints_free:
            guard = self.random.choice([dead, urls["proxy"], f"http://user:{self.secret()}@{self.world.dead}"])
            env |= {name: guard for name in PROXIES}
            env["NO_PROXY"] = env["no_proxy"] = "127.0.0.1,localhost,::1"
        else:
            # The endpoints are given and on loopback, and only keys of this case's own can be used.
            for name in list(env):
                if "ENDPOINT" in name or name.startswith(("AWS_CONTAINER", "AWS_EC2", "AWS_WEB", "AWS_ROLE", "AWS_IMDS",
                    "AWS_LOGIN")):
                    del env[name]
            env |= {"AWS_EC2_METADATA_DISABLED": "true", "AWS_ENDPOINT_URL": urls["ws0"],
                "AWS_ENDPOINT_URL_WORKSPACES": urls["ws0"]}
            if command[0] in ("plan", "reconcile"):
                command += ["--endpoint-url", urls["ws0"]]
            for name in self.random.sample(PROXIES + ["NO_PROXY", "no_proxy"], self.random.choice([1, 2, 4])):
                env[name] = self.url("proxy") if self.chance(0.6) else self.wrong()
        # A home that is not this case's must not lead to the files of whoever runs this.
        if env.get("HOME") != str(home):
            env |= {"AWS_CONFIG_FILE": str(home / "config"), "AWS_SHARED_CREDENTIALS_FILE": str(home / "credentials")}
        for name in NEVER:
            env.pop(name, None)
        # No variable can hold a NUL.
        env = {k: (v.encode("utf-8", "surrogatepass") if isinstance(v, str) else v).replace(b"\0", b"0") for k,
            v in env.items()}
        return command, env


def extra_variables(program):
    """The variables of repave that its help names and that this file does not know."""
    found = set()
    for command in ("plan", "validate", "status", "reconcile"):
        help_ = subprocess.run([program, command, "--help"], stdin=subprocess.DEVNULL, capture_output=True, timeout=LIMIT)
        found |= set(re.findall(r"env: (REPAVE_\w+)", help_.stdout.decode("utf-8", "replace")))
    return {name: "text" for name in sorted(found - NEVER - VARIABLES.keys())}


def run(program, command, env, cwd, limit):
    """Runs the program in a process group of its own; gives exit code (None: it did not end), stdout and stderr."""
    process = subprocess.Popen(
        [program, *command], env=env, cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        start_new_session=True
    )
    try:
        stdout, stderr = process.communicate(timeout=limit)
        code = process.returncode
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        stdout, stderr = process.communicate()
        code = None
    return code, stdout, stderr


def problems_of(code, stdout, stderr, written):
    wrong = []
    if code is None:
        wrong.append("did not end")
    elif code < 0:
        wrong.append(f"ended by signal {-code}")
    elif code not in CODES:
        wrong.append(f"exit code {code}")
    both = (stdout + stderr).lower()
    wrong += [f"says {word.decode()!r}" for word in (b"panicked", b"internal error") if word in both]
    if CANARY.encode() in stdout + stderr:
        wrong.append("prints a secret")
    wrong += [f"writes a secret to {name}" for name, content in written.items() if CANARY.encode() in content]
    text = re.sub(r"\x1b\[[0-9;]*m", "", stderr.decode("utf-8", "replace")).rstrip("\n")
    last = text.rsplit("\n", 1)[-1]
    if code is not None and not last.startswith("repave: ") and not ('"exitCode"' in last and last.startswith("{")):
        wrong.append("the last line on stderr is not `repave: ...`")
    return wrong


def quoted(value):
    """A value for a shell, also where it is not text; a huge one is cut."""
    if len(value) > 2000:
        return f"<{len(value)} bytes that begin with {quoted(value[:20])}>"
    try:
        text = value.decode()
        if text.isprintable():
            return shlex.quote(text)
    except UnicodeDecodeError:
        pass
    return "$'" + "".join(chr(b) if 32 <= b < 127 and b not in b"'\\" else f"\\x{b:02x}" for b in value) + "'"


def shown(program, command, env, cwd):
    variables = " ".join(f"{k}={quoted(v)}" for k, v in env.items())
    return f"cd {cwd} && env -i {variables} {shlex.join([program, *command])}"


def run_case(world, program, seed, number, extra, limit=LIMIT, keep=False):
    home = pathlib.Path(tempfile.mkdtemp(prefix="environment-"))
    try:
        command, env = Generator(world, seed, number, extra).case(home)
        before = {p for p in home.rglob("*")}
        code, stdout, stderr = run(program, command, env, home / "work", limit)
        # SSO's token cache is renewed in its place and holds secrets; a file that is set aside is not a new one.
        new = [p for p in home.rglob("*") if p not in before and p.is_file() and "sso/cache" not in str(p) and ".aside-" not in p.name]
        written = {str(p.relative_to(home)): p.read_bytes() for p in new}
        wrong = problems_of(code, stdout, stderr, written)
        return number, wrong, shown(program, command, env, home / "work"), code, stdout, stderr
    finally:
        if not keep:
            shutil.rmtree(home, ignore_errors=True)


def report(program, seed, number, wrong, command, code, stderr):
    print(f"FAILED  case {number} of seed {seed}: {'; '.join(wrong)} (exit code {code})")
    print(f"        again: {sys.argv[0]} {program} --seed {seed} --case {number}")
    print(f"        {command[:6000]}")
    for line in stderr.decode("utf-8", "replace").splitlines()[-6:]:
        print(f"        stderr: {line[:500]!r}")
    sys.stdout.flush()


STAND_INS = {
    "is right": ("echo 'repave: done' >&2", None),
    "aborts": ("echo 'repave: done' >&2; kill -ABRT $$", "ended by signal 6"),
    "panics": ("echo \"thread 'main' panicked at x\" >&2; echo 'repave: done' >&2", "says 'panicked'"),
    "has an internal error": ("echo 'internal error'; echo 'repave: done' >&2", "says 'internal error'"),
    "hangs": ("sleep 60", "did not end"),
    "ends with 101": ("echo 'repave: done' >&2; exit 101", "exit code 101"),
    "says nothing": ("exit 0", "the last line"),
    "says more": ("echo 'repave: done' >&2; echo more >&2", "the last line"),
    "prints a secret": (f"echo {CANARY}; echo 'repave: done' >&2", "prints a secret"),
    "writes a secret": (f"echo {CANARY} >out; echo 'repave: done' >&2", "writes a secret"),
}


def self_test(world):
    failed = 0
    folder = pathlib.Path(tempfile.mkdtemp(prefix="environment-"))
    for name, (script, expected) in STAND_INS.items():
        program = folder / "repave"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        for number in range(3):
            wrong = run_case(world, str(program), 1, number, {}, limit=1)[1]
            found = not wrong if expected is None else any(w.startswith(expected) for w in wrong)
            if not found:
                failed += 1
                print(f"FAILED  a program that {name}: expected {expected}, found {wrong}")
                break
        else:
            print(f"passed  a program that {name}")
    shutil.rmtree(folder)
    print(f"{len(STAND_INS) - failed} passed, {failed} failed")
    return 1 if failed else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", nargs="?")
    parser.add_argument("--cases", type=int, default=2000)
    parser.add_argument("--seed", default="1")
    parser.add_argument("--case", type=int)
    parser.add_argument("--self-test", action="store_true")
    asked = parser.parse_args()
    world = World()
    if asked.self_test:
        return self_test(world)
    if not asked.program or not os.access(asked.program, os.X_OK):
        print("name a program: environment.py PATH_OF_REPAVE", file=sys.stderr)
        return 2
    program = os.path.abspath(asked.program)
    extra = extra_variables(program)
    if asked.case is not None:
        _, wrong, command, code, stdout, stderr = run_case(world, program, asked.seed, asked.case, extra, keep=True)
        print(command)
        sys.stdout.flush()
        sys.stdout.buffer.write(b"--- stdout\n" + stdout + b"--- stderr\n" + stderr)
        print(f"--- exit code {code}: {'; '.join(wrong) or 'passed'}")
        return 1 if wrong else 0
    failed, codes = 0, {}
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        for number, wrong, command, code, _, stderr in pool.map(lambda n: run_case(world, program, asked.seed, n, extra),
            range(asked.cases)):
            codes[code] = codes.get(code, 0) + 1
            if wrong:
                failed += 1
                report(asked.program, asked.seed, number, wrong, command, code, stderr)
    print("exit codes:", ", ".join(f"{code}: {count}" for code, count in sorted(codes.items(), key=str)))
    print(f"{asked.cases - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
