"""The cases of identity.py: variables, files and arguments. Notes explain what boto3 does; nothing is compared with them.

`<ws0>` to `<ws5>`, `<sts>`, `<sso>`, `<imds>`, `<agent>` and `<proxy>` stand for the addresses of servers, `<home>` for the
home folder; a variable that is None is not set.
"""

import dataclasses
import hashlib
import json

CONFIG, CREDENTIALS = ".aws/config", ".aws/credentials"
EVERYWHERE = {
    "AWS_ENDPOINT_URL_WORKSPACES": "<ws0>",
    "AWS_ENDPOINT_URL_STS": "<sts>",
    "AWS_ENDPOINT_URL_SSO": "<sso>",
    "AWS_ENDPOINT_URL_SSO_OIDC": "<sso>",
    "AWS_EC2_METADATA_DISABLED": "true",
}
REGION = {"AWS_DEFAULT_REGION": "us-west-1"}
KEYS = {"AWS_ACCESS_KEY_ID": "AKIA_ENV", "AWS_SECRET_ACCESS_KEY": "secret"}
WEB = {"AWS_WEB_IDENTITY_TOKEN_FILE": "<home>/token", "AWS_ROLE_ARN": "arn:aws:iam::111122223333:role/web"}
INSTANCE = {"AWS_EC2_METADATA_DISABLED": None, "AWS_EC2_METADATA_SERVICE_ENDPOINT": "<imds>"}
CONTAINER = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "<agent>/credentials", "AWS_CONTAINER_AUTHORIZATION_TOKEN": "ticket"}
PROXY = {"AWS_ENDPOINT_URL_WORKSPACES": None, "AWS_MAX_ATTEMPTS": "1", "HTTPS_PROXY": "<proxy>", "HTTP_PROXY": "<proxy>"}
WORK = ["--profile", "work"]


@dataclasses.dataclass
class Case:
    group: str
    name: str
    files: dict
    env: dict
    args: list
    # What a refusal of repave's must be: one of these codes, these words on stderr, and a configuration file's path.
    codes: tuple
    names: tuple
    names_file: bool
    # The name of a difference, and what repave must do: "refused", or what it must sign with.
    differs: str
    expect: object
    note: str


every = []


def case(group, name, config=None, credentials=None, env=None, args=(), files=None, codes=(64,), names=None,
         names_file=None, differs="", expect=None, note=""):
    files = dict(files or {})
    for path, content in ((CONFIG, config), (CREDENTIALS, credentials)):
        if content is not None:
            files[path] = content
    env = {**EVERYWHERE, **(env or {})}
    args = list(args)
    given = dict(zip(args[::2], args[1::2]))
    profile = given.get("--profile") or env.get("REPAVE_PROFILE") or env.get("AWS_PROFILE") or env.get("AWS_DEFAULT_PROFILE")
    if names is None:
        names = (profile,) if profile else ()
        if names_file is None:
            names_file = bool(profile) and 64 in codes and bool(config or credentials)
    if isinstance(names, str):
        names = (names,)
    if differs and expect is None:
        expect = "refused"
    every.append(Case(group, name, files, env, args, codes, names, bool(names_file), differs, expect, note))


def keys(label):
    return f"aws_access_key_id = AKIA_{label}\naws_secret_access_key = secret_{label}\n"


def role(name, *lines):
    return f"role_arn = arn:aws:iam::111122223333:role/{name}\n" + "".join(f"{line}\n" for line in lines)


# --- Profile, keys and Region: every combination.

REGIONS = {
    "--region": "eu-north-1", "REPAVE_REGION": "eu-south-1", "AWS_REGION": "us-east-2",
    "AWS_DEFAULT_REGION": "us-west-1", "profile": "eu-west-3", "none": "",
}


def precedence():
    for by in ("--profile", "REPAVE_PROFILE", "AWS_PROFILE", "none"):
        for with_keys in (True, False):
            for source in REGIONS:
                for in_profile in ((True, False) if source not in ("profile", "none") else (source == "profile",)):
                    for place in ("config", "credentials", "both"):
                        one_of_precedence(by, with_keys, source, in_profile, place)


def one_of_precedence(by, with_keys, source, in_profile, place):
    region = f"region = {REGIONS['profile']}\n" if in_profile else ""
    config, credentials = "", ""
    for name, label in (("default", "DEFAULT"), ("work", "WORK")):
        head = "[default]\n" if name == "default" else f"[profile {name}]\n"
        config += head + region + (keys(f"{label}_CONFIG") if place != "credentials" else "")
        if place != "config":
            credentials += f"[{name}]\n" + keys(f"{label}_CREDENTIALS")
    env, args = dict(KEYS) if with_keys else {}, []
    for key, value in ((by, "work"), (source, REGIONS[source])):
        if key.startswith("--"):
            args += [key, value]
        elif key not in ("none", "profile"):
            env[key] = value
    explicit = by in ("--profile", "REPAVE_PROFILE")
    if with_keys and not explicit:
        key = "AKIA_ENV"
    else:
        key = f"AKIA_{'DEFAULT' if by == 'none' else 'WORK'}_{'CONFIG' if place == 'config' else 'CREDENTIALS'}"
    differs, expect = "", None
    if source == "AWS_REGION" and not (explicit and in_profile):
        differs = "AWS_REGION"
        expect = {"key": key, "region": REGIONS[source], "endpoint": "ws0"}
    if source == "AWS_DEFAULT_REGION" and explicit and in_profile:
        differs = "Region of an explicit profile"
        expect = {"key": key, "region": REGIONS["profile"], "endpoint": "ws0"}
    case(
        "precedence",
        f"profile by {by}, {'keys' if with_keys else 'no keys'} in variables, Region by {source}"
        f"{', also in the profile' if in_profile and source != 'profile' else ''}, keys in {place}",
        config, credentials, env=env, args=args, names_file=False, differs=differs, expect=expect,
    )


# --- Profiles, by --profile work unless a case says otherwise.


def profile(name, config, credentials=None, env=None, files=None, args=WORK, **more):
    case("profiles", name, config, credentials, env={**REGION, **(env or {})}, files=files, args=args, **more)


def broken(name, config, credentials=None, env=None, files=None, falls_through=False, **more):
    """A profile that cannot work: alone, and where an instance role is there to fall through to."""
    profile(name, config, credentials, env, files, **more)
    if falls_through:
        more.update(differs="named profile without credentials", expect="refused")
    more.pop("note", None)
    profile(f"{name}, with an instance role", config, credentials, {**(env or {}), **INSTANCE}, files, **more)


def static_profiles():
    other = "[default]\n" + keys("DEFAULT")
    profile("keys in config", other + "[profile work]\n" + keys("CONFIG"))
    profile("keys in credentials", other, "[work]\n" + keys("CREDENTIALS"))
    profile("keys in both", other + "[profile work]\n" + keys("CONFIG"), "[work]\n" + keys("CREDENTIALS"),
            note="credentials beats config")
    profile("keys in both, a token in config only",
            other + "[profile work]\n" + keys("CONFIG") + "aws_session_token = config\n", "[work]\n" + keys("CREDENTIALS"))
    broken("id in config, secret in credentials", other + "[profile work]\naws_access_key_id = AKIA_SPLIT\n",
           "[work]\naws_secret_access_key = secret\n", note="the two halves are not put together")
    broken("secret in config, id in credentials", other + "[profile work]\naws_secret_access_key = secret\n",
           "[work]\naws_access_key_id = AKIA_SPLIT\n")
    profile("id in credentials, both in config", other + "[profile work]\n" + keys("CONFIG"),
            "[work]\naws_access_key_id = AKIA_HALF\n")
    profile("secret in credentials, both in config", other + "[profile work]\n" + keys("CONFIG"),
            "[work]\naws_secret_access_key = secret\n",
        differs="half a key pair")
    broken("id without secret", other + "[profile work]\naws_access_key_id = AKIA_HALF\n")
    broken("secret without id", other + "[profile work]\naws_secret_access_key = secret\n", falls_through=True)
    broken("id is empty", other + "[profile work]\naws_access_key_id =\naws_secret_access_key = secret\n",
        differs="half a key pair",
           note="it signs with an empty key id")
    broken("secret is empty", other + "[profile work]\naws_access_key_id = AKIA_EMPTY\naws_secret_access_key =\n",
        differs="half a key pair")
    broken("only a Region", other + "[profile work]\nregion = us-west-1\n", falls_through=True)
    broken("nothing at all", other + "[profile work]\n", falls_through=True)
    profile("a session token", other + "[profile work]\n" + keys("CONFIG") + "aws_session_token = token\n")
    profile("a security token", other + "[profile work]\n" + keys("CONFIG") + "aws_security_token = token\n",
            note="aws_security_token is read")
    profile("an empty session token", other + "[profile work]\n" + keys("CONFIG") + "aws_session_token =\n")
    profile("Region in credentials", "", "[work]\nregion = eu-west-3\n" + keys("CREDENTIALS"),
        env={"AWS_DEFAULT_REGION": None})


def role_profiles():
    base = "[profile base]\n" + keys("BASE")
    default = "[default]\n" + keys("DEFAULT")
    work = default + base + "[profile work]\n"
    for by in (WORK, []):
        also = {} if by else {"AWS_PROFILE": "work"}
        how = "" if by else ", by AWS_PROFILE"
        profile("role, one hop" + how, work + role("work", "source_profile = base"), args=by, env=also)
        profile("role, one hop, keys in variables" + how, work + role("work", "source_profile = base"), args=by,
                env={**also, **KEYS})
        profile("role from Environment" + how, work + role("work", "credential_source = Environment"), args=by,
                env={**also, **KEYS}, note="" if by else "the variables' keys themselves are used, the role is not assumed")
        profile("role from Environment with a token" + how, work + role("work", "credential_source = Environment"), args=by,
                env={**also, **KEYS, "AWS_SESSION_TOKEN": "token"})
        profile("role from Ec2InstanceMetadata" + how, work + role("work", "credential_source = Ec2InstanceMetadata"),
            args=by,
                env={**also, **INSTANCE})
        profile("role from EcsContainer" + how, work + role("work", "credential_source = EcsContainer"), args=by,
                env={**also, **CONTAINER})
        profile("role beside web identity in variables" + how, work + role("work", "source_profile = base"), args=by,
                env={**also, **WEB}, files={"token": "TOKEN"})
    profile("role, source in credentials", default + "[profile work]\n" + role("work", "source_profile = base"),
        "[base]\n" + keys("BASE"))
    profile("role in credentials", base, "[work]\n" + role("work", "source_profile = base"))
    profile("role, source is default", default + "[profile work]\n" + role("work", "source_profile = default"))
    profile("role of the default profile", base + "[default]\n" + role("work", "source_profile = base"), args=[])
    profile("role, two hops", work + role("work", "source_profile = middle") + "[profile middle]\n" + role("middle",
        "source_profile = base"))
    profile("role, three hops", work + role("work", "source_profile = a") + "[profile a]\n" + role("a",
        "source_profile = b")
            + "[profile b]\n" + role("b", "source_profile = base"))
    profile("role, two hops from Environment", work + role("work", "source_profile = middle") + "[profile middle]\n"
            + role("middle", "credential_source = Environment"), env=KEYS)
    profile("role, the middle has keys too", work + role("work", "source_profile = middle") + "[profile middle]\n"
            + keys("MIDDLE") + role("middle", "source_profile = base"), note="a source's own keys beat its role")
    profile("role and keys in one profile", work + keys("WORK") + role("work", "source_profile = base"),
            note="the role beats the profile's own keys")
    profile("role, source is itself", work + keys("WORK") + role("work", "source_profile = work"))
    profile("role, source is itself, keys in credentials", work + role("work", "source_profile = work"),
        "[work]\n" + keys("WORK"))
    broken("role, source is itself without keys", work + role("work", "source_profile = work"))
    broken("role, source is missing", work + role("work", "source_profile = nobody"), names=("work", "nobody"),
        names_file=True)
    broken("role, source is empty", work + role("work", "source_profile ="))
    broken("role, source has only a Region", work + role("work",
        "source_profile = bare") + "[profile bare]\nregion = us-west-1\n",
           names="bare", names_file=True)
    broken("role, source has half a pair", work + role("work",
        "source_profile = bare") + "[profile bare]\naws_access_key_id = AKIA_HALF\n",
           names="bare", names_file=True)
    broken("role, the source's source is missing", work + role("work", "source_profile = middle") + "[profile middle]\n"
           + role("middle", "source_profile = nobody"), names="nobody", names_file=True)
    broken("role, circle of two", work + role("work", "source_profile = other") + "[profile other]\n" + role("other",
        "source_profile = work"))
    broken("role, circle of three", work + role("work", "source_profile = a") + "[profile a]\n" + role("a",
        "source_profile = b")
           + "[profile b]\n" + role("b", "source_profile = work"))
    broken("role, circle beyond the first", work + role("work", "source_profile = a") + "[profile a]\n" + role("a",
        "source_profile = b")
           + "[profile b]\n" + role("b", "source_profile = a"), names="a", names_file=True)
    broken("role, no source", work + role("work"),
        note="a role without a source is refused even where a role of the instance exists")
    broken("role, no source, keys in the profile", work + keys("WORK") + role("work"))
    broken("role, both sources", work + role("work", "source_profile = base", "credential_source = Environment"), env=KEYS)
    broken("role, unknown credential_source", work + role("work", "credential_source = Nowhere"))
    broken("role, credential_source in other case", work + role("work", "credential_source = environment"), env=KEYS)
    broken("role, credential_source is empty", work + role("work", "credential_source ="))
    broken("role, Environment without keys", work + role("work", "credential_source = Environment"))
    broken("role, Environment with half a pair", work + role("work", "credential_source = Environment"),
        env={"AWS_ACCESS_KEY_ID": "AKIA_HALF"}, names="AWS_SECRET_ACCESS_KEY")
    profile("role, Ec2InstanceMetadata that is disabled", work + role("work", "credential_source = Ec2InstanceMetadata"),
        codes=(3, 64),
            names_file=False)
    broken("role, EcsContainer without variables", work + role("work", "credential_source = EcsContainer"))
    broken("role_arn is empty", work + "role_arn =\nsource_profile = base\n")
    broken("role_arn is no ARN", work + "role_arn = x\nsource_profile = base\n", codes=(3, 64), names_file=False)
    profile("role refused by STS", work + role("denied", "source_profile = base"), codes=(3,))
    profile("role, external_id", work + role("work", "source_profile = base", "external_id = 4711"))
    profile("role, external_id of a middle", work + role("work", "source_profile = middle") + "[profile middle]\n"
            + role("middle", "source_profile = base", "external_id = 4711"))
    profile("role, role_session_name", work + role("work", "source_profile = base", "role_session_name = given-name"))
    profile("role, duration_seconds", work + role("work", "source_profile = base", "duration_seconds = 1800"))
    profile("role, duration_seconds is no number",
        work + role("work", "source_profile = base", "duration_seconds = x"), differs="value that cannot be used",
        note="duration_seconds that is no number is ignored")
    profile("role, mfa_serial", work + role("work", "source_profile = base",
        "mfa_serial = arn:aws:iam::111122223333:mfa/x"),
            names=("work", "mfa_serial"))
    profile("source_profile without a role", work + "source_profile = base\n",
        note="source_profile without role_arn is ignored")
    broken("credential_source without a role", work + "credential_source = Ec2InstanceMetadata\n", falls_through=True)
    profile("role, source by a process",
        work + role("work", "source_profile = p") + "[profile p]\ncredential_process = cat <home>/p.json\n",
            files={"p.json": PROCESS})
    profile("role, source by web identity", work + role("work", "source_profile = w") + "[profile w]\n"
            + role("web", "web_identity_token_file = <home>/token"), files={"token": "TOKEN"})
    profile("role, source by SSO", work + role("work", "source_profile = s") + "[profile s]\n" + SSO,
        files=sso_cache("https://a/start"))


PROCESS = json.dumps({"Version": 1, "AccessKeyId": "AKIA_PROCESS", "SecretAccessKey": "secret", "SessionToken": "token"})
SSO = "sso_start_url = https://a/start\nsso_region = eu-west-1\nsso_account_id = 111122223333\nsso_role_name = admin\n"
SESSION = "[sso-session corp]\nsso_region = eu-west-1\nsso_start_url = https://a/start\nsso_registration_scopes = sso:account:access\n"
BY_SESSION = "sso_session = corp\nsso_account_id = 111122223333\nsso_role_name = admin\n"


def sso_cache(key, **more):
    path = f".aws/sso/cache/{hashlib.sha1(key.encode()).hexdigest()}.json"
    content = {"startUrl": "https://a/start", "region": "eu-west-1", "accessToken": "cached",
               "expiresAt": "2099-01-01T00:00:00Z", **more}
    return {path: json.dumps({k: v for k, v in content.items() if v is not None})}


def sso_profiles():
    work = "[default]\n" + keys("DEFAULT") + "[profile work]\n"
    start, corp = sso_cache("https://a/start"), sso_cache("corp")
    past = "2001-01-01T00:00:00Z"
    profile("SSO, legacy", work + SSO, files=start)
    profile("SSO, session", work + BY_SESSION + SESSION, files=corp)
    profile("SSO, session, keys in variables", work + BY_SESSION + SESSION, files=corp, env=KEYS)
    profile("SSO, session, and keys in the profile", work + BY_SESSION + keys("WORK") + SESSION, files=corp,
            note="SSO beats the profile's own keys")
    profile("SSO, legacy, and keys in credentials", work + SSO, "[work]\n" + keys("WORK"), files=start)
    profile("SSO, session and the same legacy keys", work + "sso_session = corp\n" + SSO + SESSION, files={**start, **corp})
    profile("SSO, of the default profile by AWS_PROFILE", SESSION + "[default]\n" + BY_SESSION, args=[],
        env={"AWS_PROFILE": "default"}, files=corp)
    profile("SSO, quoted session", work + BY_SESSION + SESSION.replace("[sso-session corp]", '[sso-session "corp"]'),
        files=corp)
    broken("SSO, session is missing", work + BY_SESSION, files=corp, names=("work", "corp"), names_file=True)
    broken("SSO, session is empty", work + BY_SESSION + "[sso-session corp]\n", files=corp, names="corp", names_file=True)
    broken("SSO, session's sso_region is missing",
        work + BY_SESSION + "[sso-session corp]\nsso_start_url = https://a/start\n", files=corp,
           names=("corp", "sso_region"), names_file=True)
    broken("SSO, session's sso_start_url is missing", work + BY_SESSION + "[sso-session corp]\nsso_region = eu-west-1\n",
        files=corp,
           names=("corp", "sso_start_url"), names_file=True)
    broken("SSO, session and profile contradict each other", work + BY_SESSION + "sso_region = eu-west-2\n" + SESSION,
        files=corp)
    broken("SSO, legacy sso_region is missing", work + SSO.replace("sso_region = eu-west-1\n", ""), files=start,
           names=("work", "sso_region"), names_file=True)
    broken("SSO, legacy sso_start_url is missing", work + SSO.replace("sso_start_url = https://a/start\n", ""), files=start,
           names=("work", "sso_start_url"), names_file=True)
    broken("SSO, legacy without account", work + SSO.replace("sso_account_id = 111122223333\n", ""), files=start,
           names=("work", "sso_account_id"), names_file=True)
    broken("SSO, legacy without role", work + SSO.replace("sso_role_name = admin\n", ""), files=start,
           names=("work", "sso_role_name"), names_file=True)
    broken("SSO, legacy without account and role", work + "sso_start_url = https://a/start\nsso_region = eu-west-1\n",
        files=start,
           falls_through=True)
    broken("SSO, session without account", work + "sso_session = corp\nsso_role_name = admin\n" + SESSION, files=corp,
           names=("work", "sso_account_id"), names_file=True)
    broken("SSO, session without role", work + "sso_session = corp\nsso_account_id = 111122223333\n" + SESSION, files=corp,
           names=("work", "sso_role_name"), names_file=True)
    broken("SSO, session without account and role", work + "sso_session = corp\n" + SESSION, files=corp, falls_through=True,
           note="a profile with sso_session alone gives a bearer token, but no credentials")
    login = dict(codes=(3, 64), names=("work", "aws sso login"))
    broken("SSO, legacy, never logged in", work + SSO, **login)
    broken("SSO, session, never logged in", work + BY_SESSION + SESSION, **login)
    broken("SSO, legacy, token expired", work + SSO, files=sso_cache("https://a/start", expiresAt=past), **login)
    broken("SSO, session, token expired", work + BY_SESSION + SESSION, files=sso_cache("corp", expiresAt=past), **login)
    broken("SSO, session, token refused", work + BY_SESSION + SESSION, files=sso_cache("corp", accessToken="stale"),
        **login)
    broken("SSO, session, cache is not JSON", work + BY_SESSION + SESSION, files={next(iter(corp)): "{"}, **login)
    broken("SSO, session, cache without a token", work + BY_SESSION + SESSION, files=sso_cache("corp", accessToken=None),
        **login)
    renewable = dict(refreshToken="r", clientId="c", clientSecret="s", registrationExpiresAt="2099-01-01T00:00:00Z")
    profile("SSO, session, expired token that can be renewed", work + BY_SESSION + SESSION,
        files=sso_cache("corp", expiresAt=past, **renewable))
    profile("SSO, session, the registration expired too", work + BY_SESSION + SESSION,
            files=sso_cache("corp", expiresAt=past, **{**renewable, "registrationExpiresAt": past}), **login)


def other_profiles():
    work = "[default]\n" + keys("DEFAULT") + "[profile work]\n"
    token = {"token": "TOKEN"}
    web = role("web", "web_identity_token_file = <home>/token")
    profile("web identity", work + web, files=token)
    profile("web identity, role_session_name", work + web + "role_session_name = given-name\n", files=token)
    profile("web identity and keys in the profile", work + web + keys("WORK"), files=token,
        note="web identity beats the profile's own keys")
    profile("web identity and source_profile", work + web + "source_profile = default\n", files=token,
            note="web_identity_token_file beats source_profile")
    broken("web identity, token file is missing", work + web, names=("work", "<home>/token"))
    broken("web identity, token file is a folder", work + web, files={"token": None}, names=("work", "<home>/token"))
    broken("web identity, no role", work + "web_identity_token_file = <home>/token\n", files=token)
    broken("web identity, token file is empty", work + web, files={"token": ""}, codes=(3, 64), names=("work",))
    profile("web identity refused by STS", work + web.replace("role/web", "role/denied"), files=token, codes=(3,))
    profile("web identity, role in a variable, by --profile", work + "web_identity_token_file = <home>/token\n",
        files=token,
            env={"AWS_ROLE_ARN": WEB["AWS_ROLE_ARN"]})
    profile("web identity, role in a variable, by AWS_PROFILE", work + "web_identity_token_file = <home>/token\n",
        files=token, args=[],
            env={"AWS_PROFILE": "work", "AWS_ROLE_ARN": WEB["AWS_ROLE_ARN"]},
            note="the profile's token file and AWS_ROLE_ARN are put together")
    profile("web identity, another role in a variable, by AWS_PROFILE", work + web, files=token, args=[],
            env={"AWS_PROFILE": "work", "AWS_ROLE_ARN": "arn:aws:iam::111122223333:role/other"},
            note="AWS_ROLE_ARN replaces the role of the profile that AWS_PROFILE names")
    profile("web identity, token in a variable, role in the profile, by AWS_PROFILE", work + role("web"), files=token,
        args=[],
            env={"AWS_PROFILE": "work", "AWS_WEB_IDENTITY_TOKEN_FILE": "<home>/token"})
    process = "credential_process = cat <home>/p.json\n"

    def answer(**more):
        content = {**json.loads(PROCESS), **more}
        return {"p.json": json.dumps({k: v for k, v in content.items() if v is not None})}

    profile("process", work + process, files=answer())
    profile("process and keys in the profile", work + process + keys("WORK"), files=answer(),
            note="credential_process beats keys in config")
    profile("process and keys in credentials", work + process, "[work]\n" + keys("WORK"), files=answer(),
            note="keys in credentials beat credential_process in config")
    profile("process in credentials", "", "[work]\n" + process, files=answer())
    profile("process with a quoted path", work + 'credential_process = cat "<home>/two words.json"\n',
        files={"two words.json": PROCESS})
    profile("process with words that a shell would change", work
        + "credential_process = sh <home>/which.sh a&b $HOME * #c\n", files={"which.sh": (
            'test "$*" = "a&b \\$HOME * #c" && id=ASIA_WORDS || id=ASIA_OTHER\n'
            'echo "{\\"Version\\":1,\\"AccessKeyId\\":\\"$id\\",\\"SecretAccessKey\\":\\"x\\"}"\n')})
    profile("process, expires later", work + process, files=answer(Expiration="2099-01-01T00:00:00Z"))
    bad = dict(codes=(3, 64), names_file=False)
    broken("process ends with 1", work + "credential_process = false\n", **bad)
    broken("process is missing", work + "credential_process = /nonexistent/program\n", **bad)
    broken("process is empty", work + "credential_process =\n", **bad)
    broken("process prints no JSON", work + "credential_process = echo hello\n", **bad)
    broken("process prints nothing", work + "credential_process = true\n", **bad)
    broken("process without SecretAccessKey", work + process, files=answer(SecretAccessKey=None), **bad)
    broken("process of version 2", work + process, files=answer(Version=2), **bad)
    broken("process without a version", work + process, files=answer(Version=None), **bad)
    broken("process, expired", work + process, files=answer(Expiration="2001-01-01T00:00:00Z"), **bad)
    arn = "arn:aws:iam::111122223333:user/x"
    cached = {
        "accessToken": {"accessKeyId": "AKIA_LOGIN", "secretAccessKey": "secret", "sessionToken": "token",
                        "accountId": "111122223333", "expiresAt": "2099-01-01T00:00:00Z"},
        "refreshToken": "r", "clientId": "c", "idToken": "i", "tokenType": "aws_sigv4", "dpopKey": "k",
    }
    path = f".aws/login/cache/{hashlib.sha256(arn.encode()).hexdigest()}.json"
    # boto3 reads this cache only with awscrt; whoever has it sees the difference.
    profile("aws login", work + f"login_session = {arn}\n", files={path: json.dumps(cached)}, names=("work", "aws login"),
        codes=(3, 64))
    broken("aws login, never logged in", work + f"login_session = {arn}\n", codes=(3, 64), names=("work", "aws login"))


# --- Siblings: names, variables, the form of the files, other sources, settings.


def named():
    some = "[default]\n" + keys("DEFAULT") + "[profile work]\n" + keys("WORK")

    def name(title, config=some, env=None, **more):
        case("names", title, config, env={**REGION, **(env or {})}, **more)

    for how, env, args in (
        ("--profile", {}, ["--profile", "wrok"]), ("REPAVE_PROFILE", {"REPAVE_PROFILE": "wrok"}, []),
        ("AWS_PROFILE", {"AWS_PROFILE": "wrok"}, []), ("AWS_DEFAULT_PROFILE", {"AWS_DEFAULT_PROFILE": "wrok"}, []),
    ):
        name(f"missing profile by {how}", env=env, args=args)
        name(f"missing profile by {how}, instance role", env={**env, **INSTANCE}, args=args)
        name(f"missing profile by {how}, keys in variables", env={**env, **KEYS}, args=args,
            note="refused although the keys would win")
        name(f"missing profile by {how}, web identity", env={**env, **WEB}, args=args, files={"token": "TOKEN"})
        name(f"missing profile by {how}, no Region", env={**env, "AWS_DEFAULT_REGION": None}, args=args)
        name(f"missing profile by {how}, no files", config=None, env={**env, **INSTANCE}, args=args)
    name("missing profile by AWS_PROFILE, but --profile exists", env={"AWS_PROFILE": "wrok"}, args=WORK)
    name("AWS_DEFAULT_PROFILE", env={"AWS_DEFAULT_PROFILE": "work"}, note="AWS_DEFAULT_PROFILE is read")
    name("AWS_PROFILE and AWS_DEFAULT_PROFILE differ", env={"AWS_PROFILE": "work", "AWS_DEFAULT_PROFILE": "default"},
         differs="two names for the profile", names=("AWS_PROFILE", "AWS_DEFAULT_PROFILE"),
         note="AWS_DEFAULT_PROFILE beats AWS_PROFILE")
    name("AWS_PROFILE and AWS_DEFAULT_PROFILE are the same", env={"AWS_PROFILE": "work", "AWS_DEFAULT_PROFILE": "work"})
    name("AWS_PROFILE and AWS_DEFAULT_PROFILE differ beside --profile",
        env={"AWS_PROFILE": "x", "AWS_DEFAULT_PROFILE": "y"}, args=WORK)
    name("default by name", args=["--profile", "default"], env=KEYS)
    name("default by name, no files", config=None, args=["--profile", "default"], env=INSTANCE)
    name("default by AWS_PROFILE, no files, keys in variables", config=None, env={**KEYS, "AWS_PROFILE": "default"},
         note="AWS_PROFILE=default without any file is refused, even if keys are given")
    name("--profile beats REPAVE_PROFILE", env={"REPAVE_PROFILE": "wrok"}, args=WORK)
    name("REPAVE_PROFILE beats AWS_PROFILE", env={"REPAVE_PROFILE": "work", "AWS_PROFILE": "default"})
    name("name in other case", args=["--profile", "Work"])
    name("name with a blank around it", env={"AWS_PROFILE": " work "}, names="work")
    name("nothing anywhere", config=None, codes=(3, 64))
    name("nothing anywhere, no Region either", config=None, env={"AWS_DEFAULT_REGION": None})
    for region in ('"eu-west-1"', "eu-west-1\n", " eu-west-1", "eu west 1", "-", "1234", "eu-west-1.evil.example",
        "eu-west-1/", "é"):
        name(f"Region {region!r}", env={**KEYS, "AWS_DEFAULT_REGION": region}, names="AWS_DEFAULT_REGION")
    name("Region in capitals", env={**KEYS, "AWS_DEFAULT_REGION": "EU-WEST-1"}, names="AWS_DEFAULT_REGION",
        differs="Region in capitals")
    name("--region of a wrong form", env=KEYS, args=["--region", "eu west 1"], names="--region")
    name("unknown Region", env={**KEYS, "AWS_DEFAULT_REGION": "xx-north-9"})


def variables():
    some = "[default]\nregion = eu-west-2\n" + keys("DEFAULT")

    def variable(title, config=some, env=None, **more):
        case("variables", title, config, env=env, **more)

    variable("id without secret", env={"AWS_ACCESS_KEY_ID": "AKIA_HALF"}, names="AWS_SECRET_ACCESS_KEY")
    variable("secret without id", env={"AWS_SECRET_ACCESS_KEY": "secret"}, names="AWS_ACCESS_KEY_ID",
        differs="half a key pair")
    variable("id without secret, explicit profile", env={"AWS_ACCESS_KEY_ID": "AKIA_HALF"}, args=["--profile", "default"])
    variable("secret without id, explicit profile", env={"AWS_SECRET_ACCESS_KEY": "secret"}, args=["--profile", "default"])
    variable("a token alone", env={"AWS_SESSION_TOKEN": "token"})
    variable("keys and AWS_SESSION_TOKEN", env={**KEYS, "AWS_SESSION_TOKEN": "token"})
    variable("keys and AWS_SECURITY_TOKEN", env={**KEYS, "AWS_SECURITY_TOKEN": "old"})
    variable("keys and both tokens", env={**KEYS, "AWS_SECURITY_TOKEN": "old", "AWS_SESSION_TOKEN": "new"},
        note="AWS_SECURITY_TOKEN beats AWS_SESSION_TOKEN")
    variable("keys that have expired", env={**KEYS, "AWS_CREDENTIAL_EXPIRATION": "2001-01-01T00:00:00Z"}, codes=(3, 64),
        names="AWS_CREDENTIAL_EXPIRATION",
             note="keys are refused by AWS_CREDENTIAL_EXPIRATION")
    variable("keys that expire later", env={**KEYS, "AWS_CREDENTIAL_EXPIRATION": "2099-01-01T00:00:00Z"})
    variable("keys with an expiry that is no time", env={**KEYS, "AWS_CREDENTIAL_EXPIRATION": "x"},
        names="AWS_CREDENTIAL_EXPIRATION")
    variable("web identity", config="[default]\nregion = eu-west-2\n", env=WEB, files={"token": "TOKEN"})
    variable("web identity, session name", config="[default]\nregion = eu-west-2\n",
        env={**WEB, "AWS_ROLE_SESSION_NAME": "given-name"},
             files={"token": "TOKEN"})
    variable("web identity beside keys of the default profile", env=WEB, files={"token": "TOKEN"},
             note="web identity in variables beats keys of a profile that is not explicit")
    variable("web identity beside keys of AWS_PROFILE's profile", env={**WEB, "AWS_PROFILE": "default"},
        files={"token": "TOKEN"},
             note="web identity in variables beats keys of the profile that AWS_PROFILE names")
    variable("web identity beside an explicit profile", env=WEB, args=["--profile", "default"], files={"token": "TOKEN"})
    variable("web identity beside keys in variables", env={**WEB, **KEYS}, files={"token": "TOKEN"})
    variable("web identity beside a process",
        config="[default]\nregion = eu-west-2\ncredential_process = cat <home>/p.json\n", env=WEB,
             files={"token": "TOKEN", "p.json": PROCESS},
             note="web identity in variables beats credential_process of the default profile")
    variable("web identity beside SSO", config="[default]\nregion = eu-west-2\n" + BY_SESSION + SESSION, env=WEB,
             files={"token": "TOKEN", **sso_cache("corp")},
             note="web identity in variables beats SSO of the default profile")
    variable("web identity, token file is missing", env=WEB, names=("AWS_WEB_IDENTITY_TOKEN_FILE", "<home>/token"))
    variable("web identity, token file is missing, instance role", config="[default]\nregion = eu-west-2\n",
        env={**WEB, **INSTANCE},
             names=("AWS_WEB_IDENTITY_TOKEN_FILE", "<home>/token"))
    variable("web identity, no role", env={**WEB, "AWS_ROLE_ARN": None}, files={"token": "TOKEN"}, names="AWS_ROLE_ARN",
             note="a token file without AWS_ROLE_ARN is refused, even if the profile has keys")
    variable("web identity, only a role", env={**WEB, "AWS_WEB_IDENTITY_TOKEN_FILE": None},
        note="AWS_ROLE_ARN alone is ignored")
    variable("web identity refused by STS", env={**WEB, "AWS_ROLE_ARN": "arn:aws:iam::111122223333:role/denied"},
        files={"token": "TOKEN"},
             codes=(3,), names="AWS_WEB_IDENTITY_TOKEN_FILE")
    variable("AWS_CREDENTIAL_FILE", config="[default]\nregion = eu-west-2\n",
        files={"old": "AWSAccessKeyId=AKIA_OLD\nAWSSecretKey=secret\n"},
             env={"AWS_CREDENTIAL_FILE": "<home>/old"}, codes=(3, 64), differs="files of boto 2")
    variable("~/.boto", config="[default]\nregion = eu-west-2\n", files={".boto": "[Credentials]\n" + keys("BOTO")},
        codes=(3, 64),
             differs="files of boto 2")
    variable("AWS_REGION and AWS_DEFAULT_REGION", env={"AWS_REGION": "us-east-2", "AWS_DEFAULT_REGION": "us-west-1"},
        differs="AWS_REGION",
             expect={"key": "AKIA_DEFAULT", "region": "us-east-2", "endpoint": "ws0"})
    # One empty variable at a time, beside files and keys that work without it.
    for name in (
        "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN", "AWS_REGION",
        "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_STS",
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT",
        "AWS_ROLE_ARN", "AWS_ROLE_SESSION_NAME", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_AUTHORIZATION_TOKEN",
        "AWS_EC2_METADATA_SERVICE_ENDPOINT", "AWS_EC2_METADATA_V1_DISABLED", "AWS_SDK_UA_APP_ID",
        "AWS_CREDENTIAL_EXPIRATION",
        "AWS_STS_REGIONAL_ENDPOINTS", "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "AWS_AUTH_SCHEME_PREFERENCE", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY",
        "REPAVE_PROFILE", "REPAVE_REGION", "REPAVE_ENDPOINT_URL",
    ):
        variable(f"empty {name}", env={name: ""})
    signed = {"key": "AKIA_DEFAULT", "region": "eu-west-2", "endpoint": "ws0"}
    for name in (
        "AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_DEFAULT_REGION", "AWS_CONFIG_FILE", "AWS_MAX_ATTEMPTS",
        "AWS_DEFAULTS_MODE", "AWS_METADATA_SERVICE_TIMEOUT", "AWS_METADATA_SERVICE_NUM_ATTEMPTS",
        "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "AWS_RETRY_MODE", "AWS_CA_BUNDLE", "AWS_REQUEST_CHECKSUM_CALCULATION",
    ):
        variable(f"empty {name}", env={name: ""}, differs="empty is unset", expect=signed)
    case("variables", "empty AWS_SHARED_CREDENTIALS_FILE", "[default]\nregion = eu-west-2\n",
        "[default]\n" + keys("DEFAULT"),
         env={"AWS_SHARED_CREDENTIALS_FILE": ""}, differs="empty is unset", expect=signed)
    variable("empty AWS_PROFILE beside AWS_DEFAULT_PROFILE", env={"AWS_PROFILE": "", "AWS_DEFAULT_PROFILE": "default"})
    variable("empty AWS_ENDPOINT_URL_WORKSPACES, AWS_ENDPOINT_URL is used",
        env={"AWS_ENDPOINT_URL_WORKSPACES": "", "AWS_ENDPOINT_URL": "<ws1>"})
    variable("empty AWS_CONTAINER_CREDENTIALS_FULL_URI without other credentials", config="[default]\nregion = eu-west-2\n",
             env={"AWS_CONTAINER_CREDENTIALS_FULL_URI": ""}, codes=(3, 64))
    variable("empty AWS_EC2_METADATA_DISABLED, instance role", config="[default]\nregion = eu-west-2\n",
             env={**INSTANCE, "AWS_EC2_METADATA_DISABLED": ""})


def form():
    region = "region = us-west-1\n"

    def config(title, text, env=None, **more):
        case("files", title, text, env=env, args=more.pop("args", WORK), **more)

    def both(title, text, **more):
        """In ~/.aws/config, and the same in ~/.aws/credentials."""
        config(title, text, **more)
        more.pop("note", None)
        as_credentials = text.replace("[profile ", "[") if isinstance(text, str) else text.replace(b"[profile ", b"[")
        case("files", f"{title}, in credentials", None, as_credentials, args=WORK, **more)

    def unreadable(title, text, **more):
        """A file that cannot be read is named with its line; which profile was asked for does not matter."""
        both(title, text, names=("line ",), names_file=True, **more)

    one = "[profile work]\n" + region + keys("WORK")
    both("plain", one)
    both("indented keys", one.replace("\naws", "\n  aws").replace("\nregion", "\n  region"))
    both("keys indented by a tab", one.replace("\naws", "\n\taws").replace("\nregion", "\n\tregion"))
    both("one key indented more than the one before", one.replace("\naws", "\n  aws", 1),
        note="an indented line continues the value before it")
    both("key : value", one.replace(" = ", " : "), note="`key : value` is accepted")
    both("key: value", one.replace(" = ", ": "))
    both("key=value", one.replace(" = ", "="))
    both("tabs around =", one.replace(" = ", "\t=\t"))
    both("blanks behind values", one.replace("\n", "  \t\n"))
    both("upper-case keys", one.replace("aws_access_key_id", "AWS_ACCESS_KEY_ID").replace("region", "Region"),
         note="keys are read in any case")
    both("comments", "# a\n; b\n" + one.replace("\naws", "\n# c\n  ; d\naws"))
    both("an indented section", "  [profile work]\n" + region + keys("WORK"))
    both("CRLF", one.replace("\n", "\r\n"))
    both("CR alone", one.replace("\n", "\r"))
    both("no line feed at the end", one.rstrip())
    unreadable("BOM", b"\xef\xbb\xbf" + one.encode(), note="a byte order mark is refused")
    unreadable("BOM before a comment", b"\xef\xbb\xbf# x\n" + one.encode())
    unreadable("not UTF-8 in a comment", b"# \xff\n" + one.encode())
    unreadable("not UTF-8 in a value", one.encode() + b"x = \xff\n")
    unreadable("UTF-16", one.encode("utf-16"))
    both("NUL in a value", one + "x = a\0b\n")
    unreadable("duplicate key", one + "region = us-west-2\n", note="a duplicate key is refused")
    unreadable("duplicate key in another profile", one + "[profile other]\nx = 1\nx = 2\n")
    unreadable("duplicate section", one + "[profile work]\nx = 1\n",
        note="a duplicate section is refused, even of another profile")
    unreadable("duplicate section of another profile", one + "[profile other]\nx = 1\n[profile other]\ny = 1\n")
    unreadable("a bad line in the profile", one + "nonsense\n")
    unreadable("a bad line in another profile", one + "[profile other]\nnonsense\n")
    unreadable("a bad line at the beginning", "nonsense\n" + one)
    unreadable("a key without a section", "region = us-west-1\n" + one)
    unreadable("an unclosed section", one + "[profile other\nx = 1\n")
    both("text behind a section", one.replace("work]", "work] # here"))
    unreadable("an empty section name", one + "[]\nx = 1\n")
    unreadable("a key without a name", one + "= x\n")
    both("# behind a value", one.replace("us-west-1", "us-west-1 # here"),
        note="`# text` behind a value belongs to the value")
    both("; behind a value", one.replace("us-west-1", "us-west-1 ; here"))
    both("# behind a key id", one.replace("AKIA_WORK", "AKIA_WORK # here"), differs="value that cannot be used",
        names=("work",), names_file=True, note="it signs with a key id that has a blank and a # in it")
    both("# within a value", one.replace("AKIA_WORK", "AKIA#WORK"))
    both("; within a value", one.replace("AKIA_WORK", "AKIA;WORK"))
    both("quoted Region", one.replace("us-west-1", '"us-west-1"'))
    both("quoted key id", one.replace("AKIA_WORK", '"AKIA_WORK"'), differs="value that cannot be used", expect="refused")
    both("empty Region", one.replace("region = us-west-1", "region ="), env=REGION)
    both("empty Region and no other", one.replace("region = us-west-1", "region ="), differs="empty is unset",
        expect="refused",
         names=("work",), note="it signs with an empty Region")
    both("a nested section", one + "s3 =\n  x = 1\n  y = 2\n")
    unreadable("a nested section with a bad line", one + "s3 =\n  nonsense\n")
    both("keys of a nested section are none of the profile's",
        one + "s3 =\n  aws_access_key_id = AKIA_NESTED\n  region = eu-west-3\n")
    both("unknown sections and keys", "[plugins]\nx = y\n[preview]\n" + one + "x_y-z = 1\n")
    for title, section in (
        ("quoted", '[profile "work"]'), ("quoted by '", "[profile 'work']"), ("two blanks", "[profile  work]"),
        ("a tab", "[profile\twork]"), ("blanks within the brackets", "[ profile work ]"),
        ("a blank at the end", "[profile work ]"),
        ("capital P", "[Profile work]"), ("upper case", "[PROFILE work]"), ("no prefix", "[work]"),
        ("no blank", "[profilework]"),
        ("quoted in part", '[profile wo"rk"]'), ("unclosed quote", '[profile "work]'),
        ("quotes with a blank", '[profile "work "]'),
    ):
        config(f"section: {title}", section + "\n" + region + keys("WORK"))
    config("section: a prefix in credentials", None, credentials="[profile work]\n" + region + keys("WORK"))
    config("section: quoted in credentials", None, credentials='["work"]\n' + region + keys("WORK"))
    two = '[profile "two words"]\n' + region + keys("TWO")
    config("section: quoted name with a blank", two, args=["--profile", "two words"])
    config("section: name with a blank, not quoted", two.replace('"', ""), args=["--profile", "two words"])
    config("section: name with two blanks", "[profile  two  spaces]\n" + region + keys("TWO"),
        args=["--profile", "two  spaces"])
    config("section: name with a blank in credentials", None, credentials="[two words]\n" + region + keys("TWO"),
        args=["--profile", "two words"])
    for name in ("a/b", "a.b", "a@b", "a:b", "a+b", "ä", "a%b", "a=b", "a]b", "a#b"):
        config(f"section: name {name}", f"[profile {name}]\n" + region + keys("ODD"), args=["--profile", name])
    prefixed, plain = "[profile default]\n" + region + keys("PREFIXED"), "[default]\n" + region + keys("PLAIN")
    config("default with a prefix", prefixed, args=[], names_file=False)
    config("default with a prefix, then without", prefixed + plain, args=[],
           note="the later of [default] and [profile default] wins whole; in the Rust SDK [profile default] wins")
    config("default without a prefix, then with", plain + prefixed, args=[])
    config("the same profile quoted and not", one + '[profile "work"]\n' + region + keys("QUOTED"),
        note="the later of [profile work] and [profile \"work\"] wins whole")
    # Where the files are.
    located = {**REGION}
    config("config is missing, credentials has it", None, credentials="[work]\n" + keys("WORK"), env=located)
    config("config is a folder", None, files={CONFIG: None}, env={**located, **KEYS}, args=[], names=(".aws/config",),
        differs="folder in the place of a file")
    config("config is a folder, explicit profile", None, files={CONFIG: None}, credentials="[work]\n" + keys("WORK"),
        env=located, names=(".aws/config",), differs="folder in the place of a file")
    config("credentials is a folder", "[profile work]\n" + keys("WORK"), files={CREDENTIALS: None}, env=located,
        names=(".aws/credentials",), differs="folder in the place of a file")
    config("AWS_CONFIG_FILE", None, files={"other": one}, env={"AWS_CONFIG_FILE": "<home>/other"}, names_file=False)
    config("AWS_CONFIG_FILE with ~", None, files={"other": one}, env={"AWS_CONFIG_FILE": "~/other"}, names_file=False)
    config("AWS_CONFIG_FILE with $HOME", None, files={"other": one}, env={"AWS_CONFIG_FILE": "$HOME/other"},
        names_file=False,
           note="variables in AWS_CONFIG_FILE are replaced")
    config("AWS_CONFIG_FILE with ${VAR}", None, files={"other": one},
        env={"AWS_CONFIG_FILE": "${WHERE}/other", "WHERE": "<home>"}, names_file=False)
    config("AWS_CONFIG_FILE with an unknown variable", one, env={"AWS_CONFIG_FILE": "$NOWHERE/other"},
        names=("work", "$NOWHERE/other"))
    config("AWS_CONFIG_FILE, relative", None, files={"other": one}, env={"AWS_CONFIG_FILE": "other"}, names_file=False)
    config("AWS_CONFIG_FILE is missing", one, env={"AWS_CONFIG_FILE": "<home>/nowhere"}, names=("work", "<home>/nowhere"))
    config("AWS_CONFIG_FILE is missing, keys in variables", one,
        env={**located, **KEYS, "AWS_CONFIG_FILE": "<home>/nowhere"}, args=[])
    config("AWS_CONFIG_FILE is /dev/null", one, env={**located, **KEYS, "AWS_CONFIG_FILE": "/dev/null"}, args=[])
    config("AWS_CONFIG_FILE is a folder", one, env={**located, **KEYS, "AWS_CONFIG_FILE": "<home>"}, args=[],
        names=("<home>",), differs="folder in the place of a file")
    config("AWS_SHARED_CREDENTIALS_FILE", "", files={"other": "[work]\n" + keys("OTHER")},
        credentials="[work]\n" + keys("WORK"),
           env={**located, "AWS_SHARED_CREDENTIALS_FILE": "~/other"}, names_file=False)
    config("AWS_SHARED_CREDENTIALS_FILE is missing", "", credentials="[work]\n" + keys("WORK"),
           env={**located, "AWS_SHARED_CREDENTIALS_FILE": "<home>/nowhere"}, names="work")
    config("no HOME", one, env={"HOME": None, "AWS_CONFIG_FILE": "<home>/.aws/config",
        "AWS_SHARED_CREDENTIALS_FILE": "<home>/.aws/credentials"})


def roles_of_machines():
    empty = "[default]\nregion = eu-west-2\n"

    def machine(title, config=empty, env=None, **more):
        case("machines", title, config, env=env, args=more.pop("args", []), **more)

    machine("instance role", env=INSTANCE)
    machine("instance role, no files", config=None, env={**INSTANCE, **REGION})
    machine("instance role, Region of the instance", config=None, env=INSTANCE, differs="Region of the instance",
            expect={"key": "ASIA_INSTANCE", "token": "token_instance", "region": "ap-south-1", "endpoint": "ws0"})
    machine("instance disabled, no Region", config=None, env={**INSTANCE, "AWS_EC2_METADATA_DISABLED": "true"})
    machine("instance role, by the name default", env=INSTANCE, args=["--profile", "default"],
        differs="named profile without credentials")
    machine("container", env=CONTAINER)
    machine("container and instance", env={**CONTAINER, **INSTANCE})
    machine("container and a profile's keys", config=empty + keys("DEFAULT"), env=CONTAINER)
    machine("container and web identity", env={**CONTAINER, **WEB}, files={"token": "TOKEN"})
    machine("container and a named profile of only a Region", config="[profile work]\nregion = eu-west-2\n", env=CONTAINER,
        args=WORK,
            differs="named profile without credentials")
    machine("container and AWS_PROFILE of only a Region", config="[profile work]\nregion = eu-west-2\n",
        env={**CONTAINER, "AWS_PROFILE": "work"},
            differs="named profile without credentials", note="the profile's Region with the container's role")
    machine("instance and AWS_PROFILE of only a Region", config="[profile work]\nregion = eu-west-2\n",
        env={**INSTANCE, "AWS_PROFILE": "work"},
            differs="named profile without credentials")
    machine("instance and AWS_DEFAULT_PROFILE of only a Region", config="[profile work]\nregion = eu-west-2\n",
            env={**INSTANCE, "AWS_DEFAULT_PROFILE": "work"}, differs="named profile without credentials")
    machine("container, token in a file", env={**CONTAINER, "AWS_CONTAINER_AUTHORIZATION_TOKEN": None,
            "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "<home>/ticket"}, files={"ticket": "fromfile"})
    machine("container, token in a file and a variable", env={**CONTAINER,
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "<home>/ticket"},
            files={"ticket": "fromfile"})
    machine("container, token file is missing", env={**CONTAINER,
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "<home>/ticket"},
            names=("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "<home>/ticket"))
    machine("container, token file is missing, instance role",
        env={**CONTAINER, **INSTANCE, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "<home>/ticket"},
            names=("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "<home>/ticket"))
    machine("container, token with a line feed", env={**CONTAINER, "AWS_CONTAINER_AUTHORIZATION_TOKEN": "a\nb"},
            names="AWS_CONTAINER_AUTHORIZATION_TOKEN", codes=(3, 64))
    machine("container denies, instance role", env={**CONTAINER, **INSTANCE,
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": "<agent>/denied"}, codes=(3,),
            note="an agent that refuses is not passed over")
    machine("container at a foreign address, instance role", env={**INSTANCE,
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://192.0.2.1/x"},
            names="AWS_CONTAINER_CREDENTIALS_FULL_URI")
    machine("container at a URL that is none", env={**INSTANCE, "AWS_CONTAINER_CREDENTIALS_FULL_URI": "nonsense"},
            names="AWS_CONTAINER_CREDENTIALS_FULL_URI")
    machine("instance disabled", env={**INSTANCE, "AWS_EC2_METADATA_DISABLED": "true"}, codes=(3, 64))
    machine("instance disabled in capitals", env={**INSTANCE, "AWS_EC2_METADATA_DISABLED": "TRUE"}, codes=(3, 64))
    machine("instance disabled by a value that is not true", env={**INSTANCE, "AWS_EC2_METADATA_DISABLED": "1"},
            differs="value that is not true or false", expect="refused", names="AWS_EC2_METADATA_DISABLED",
            note="AWS_EC2_METADATA_DISABLED=1 does not disable")
    machine("instance without version 1", env={**INSTANCE, "AWS_EC2_METADATA_V1_DISABLED": "true"})
    machine("instance endpoint in the profile", config=empty + "ec2_metadata_service_endpoint = <imds>\n",
            env={"AWS_EC2_METADATA_DISABLED": None})
    machine("instance endpoint that is no URL", env={**INSTANCE, "AWS_EC2_METADATA_SERVICE_ENDPOINT": "nonsense"},
            names="AWS_EC2_METADATA_SERVICE_ENDPOINT")
    machine("instance endpoint mode that is unknown", env={**INSTANCE, "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE": "x"},
            names="AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE")
    machine("instance and keys in variables", env={**INSTANCE, **KEYS})
    machine("instance, half a pair in variables", env={**INSTANCE, "AWS_SECRET_ACCESS_KEY": "secret"},
        names="AWS_ACCESS_KEY_ID",
            differs="half a key pair")
    machine("instance, half a pair in the default profile", config=empty + "aws_secret_access_key = secret\n", env=INSTANCE,
            differs="half a key pair", names=())


def settings():
    def setting(title, lines="", env=None, more_config="", **more):
        config = "[default]\nregion = eu-west-2\n" + keys("DEFAULT") + lines + more_config
        case("settings", title, config, env=env, **more)

    services = "[services mine]\nworkspaces =\n  endpoint_url = <ws3>\n"
    no = {"AWS_ENDPOINT_URL_WORKSPACES": None}
    setting("endpoint: service's variable", env={"AWS_ENDPOINT_URL": "<ws1>"})
    setting("endpoint: general variable", env={**no, "AWS_ENDPOINT_URL": "<ws1>"})
    setting("endpoint: the profile's", "endpoint_url = <ws2>\n", env=no)
    setting("endpoint: services section", "services = mine\n", more_config=services, env=no)
    setting("endpoint: services section and the profile's", "services = mine\nendpoint_url = <ws2>\n", more_config=services,
        env=no)
    setting("endpoint: general variable and services section", "services = mine\nendpoint_url = <ws2>\n",
        more_config=services,
            env={**no, "AWS_ENDPOINT_URL": "<ws1>"}, note="AWS_ENDPOINT_URL beats a services section for the service")
    setting("endpoint: services section of another service", "services = mine\nendpoint_url = <ws2>\n",
            more_config=services.replace("workspaces", "s3"), env=no)
    setting("endpoint: services section is missing", "services = mine\nendpoint_url = <ws2>\n", env=no, names="mine",
        names_file=True)
    setting("endpoint: services section is missing, not needed", "services = mine\n", names="mine", names_file=True,
        differs="services section that is missing")
    setting("endpoint: --endpoint-url", "endpoint_url = <ws2>\n", args=["--endpoint-url", "<ws4>"])
    setting("endpoint: REPAVE_ENDPOINT_URL", env={"REPAVE_ENDPOINT_URL": "<ws4>"})
    setting("endpoint: --endpoint-url and REPAVE_ENDPOINT_URL", env={"REPAVE_ENDPOINT_URL": "<ws5>"},
        args=["--endpoint-url", "<ws4>"])
    setting("endpoint: with a path", env={"AWS_ENDPOINT_URL_WORKSPACES": "<ws0>/some/path"})
    setting("endpoint: another profile's", env=no | {"AWS_ENDPOINT_URL": "<ws1>"},
        more_config="[profile x]\nendpoint_url = <ws2>\n")
    case("settings", "endpoint: of the named profile",
        "[default]\nendpoint_url = <ws1>\n[profile work]\nregion = eu-west-2\nendpoint_url = <ws2>\n" + keys("WORK"),
         env=no, args=WORK)
    case("settings", "endpoint: in credentials", "[default]\nregion = eu-west-2\n",
        "[default]\nendpoint_url = <ws2>\n" + keys("WORK"), env=no)
    for value in ("nonsense", "127.0.0.1", "ftp://127.0.0.1/", "http://", "http://[::1", "http://127.0.0.1:99999",
        "http://a b/"):
        setting(f"endpoint: {value}", env={"AWS_ENDPOINT_URL_WORKSPACES": value}, names="AWS_ENDPOINT_URL_WORKSPACES")
    ignore = {"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"}
    setting("endpoint: ignored", env={**PROXY, **ignore, "AWS_ENDPOINT_URL_WORKSPACES": "<ws0>"})
    setting("endpoint: ignored in the profile", "ignore_configured_endpoint_urls = true\n",
        env={**PROXY, "AWS_ENDPOINT_URL": "<ws0>"})
    setting("endpoint: ignored, but --endpoint-url", env=ignore, args=["--endpoint-url", "<ws4>"])
    setting("endpoint: ignored by False", env={"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "False"})
    setting("endpoint: ignored by a value that is neither", env={"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "1"},
        names="AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", differs="value that is not true or false")
    setting("endpoint: the Region's own", env=PROXY)
    for region in ("us-gov-west-1", "cn-northwest-1", "eu-isoe-west-1"):
        setting(f"endpoint: the own one of {region}", env={**PROXY, "AWS_DEFAULT_REGION": region})
    fips = {"AWS_USE_FIPS_ENDPOINT": "true"}
    setting("FIPS", env={**PROXY, **fips})
    setting("FIPS in capitals", env={**PROXY, "AWS_USE_FIPS_ENDPOINT": "TRUE"})
    setting("FIPS in the profile", "use_fips_endpoint = true\n", env=PROXY)
    setting("FIPS off", env={"AWS_USE_FIPS_ENDPOINT": "false"})
    setting("FIPS and an endpoint", env=fips, names="FIPS", note="an endpoint of one's own beats FIPS")
    for value in ("1", "yes", "x"):
        setting(f"FIPS is {value}", env={"AWS_USE_FIPS_ENDPOINT": value}, names="AWS_USE_FIPS_ENDPOINT",
            differs="value that is not true or false")
    setting("FIPS in the profile is yes", "use_fips_endpoint = yes\n", names="use_fips_endpoint", names_file=True,
            differs="value that is not true or false")
    setting("dual stack", env={**PROXY, "AWS_USE_DUALSTACK_ENDPOINT": "true"})
    setting("dual stack and an endpoint", env={"AWS_USE_DUALSTACK_ENDPOINT": "true"}, names=())
    for value in ("legacy", "standard", "adaptive"):
        setting(f"retry mode {value}", env={"AWS_RETRY_MODE": value})
        setting(f"retry mode {value} in the profile", f"retry_mode = {value}\n")
    setting("retry mode is unknown", env={"AWS_RETRY_MODE": "x"}, names="AWS_RETRY_MODE")
    setting("retry mode in capitals", env={"AWS_RETRY_MODE": "Standard"}, names="AWS_RETRY_MODE")
    setting("retry mode is unknown in the profile", "retry_mode = x\n", names="retry_mode", names_file=True)
    signed = {"key": "AKIA_DEFAULT", "region": "eu-west-2", "endpoint": "ws0"}
    setting("retry mode is empty in the profile", "retry_mode =\n", differs="empty is unset", expect=signed)
    setting("attempts are empty in the profile", "max_attempts =\n", differs="empty is unset", expect=signed)
    setting("attempts beyond all measure", env={"AWS_MAX_ATTEMPTS": "99999999999999999999"}, names="AWS_MAX_ATTEMPTS",
        differs="value that cannot be used")
    for value in ("1", "3", " 2 "):
        setting(f"attempts {value!r}", env={"AWS_MAX_ATTEMPTS": value}, names="AWS_MAX_ATTEMPTS")
    for value in ("0", "x", "-1", "1.5"):
        setting(f"attempts {value!r}", env={"AWS_MAX_ATTEMPTS": value}, names="AWS_MAX_ATTEMPTS")
    for value in ("1", "0", "x"):
        setting(f"attempts {value!r} in the profile", f"max_attempts = {value}\n", names="max_attempts", names_file=True)
    for value in ("standard", "auto", "legacy"):
        setting(f"defaults mode {value}", env={"AWS_DEFAULTS_MODE": value})
    setting("STS regional endpoints legacy", env={"AWS_STS_REGIONAL_ENDPOINTS": "legacy"})
    tls = {"AWS_ENDPOINT_URL_WORKSPACES": "https://<ws0-address>"}
    setting("CA bundle is missing", env={**tls, "AWS_CA_BUNDLE": "<home>/nowhere"},
        names=("AWS_CA_BUNDLE", "<home>/nowhere"))
    setting("CA bundle in the profile is missing", "ca_bundle = <home>/nowhere\n", env=tls,
        names=("ca_bundle", "<home>/nowhere"),
            names_file=True)
    setting("CA bundle is no PEM", env={**tls, "AWS_CA_BUNDLE": "<home>/ca"}, files={"ca": "nonsense"},
        names=("AWS_CA_BUNDLE", "<home>/ca"))
    setting("CA bundle is a folder", env={**tls, "AWS_CA_BUNDLE": "<home>/ca"}, files={"ca": None},
        names=("AWS_CA_BUNDLE", "<home>/ca"))
    setting("application id", env={"AWS_SDK_UA_APP_ID": "x" * 60})
    setting("proxy with NO_PROXY", env={"HTTP_PROXY": "http://127.0.0.1:9", "NO_PROXY": "127.0.0.1"})
    setting("bearer token of WorkSpaces", env={"AWS_BEARER_TOKEN_WORKSPACES": "x"})


def every_case():
    every.clear()
    precedence()
    static_profiles()
    role_profiles()
    sso_profiles()
    other_profiles()
    named()
    variables()
    form()
    roles_of_machines()
    settings()
    names = [f"{c.group}: {c.name}" for c in every]
    assert len(names) == len(set(names)), [n for n in names if names.count(n) > 1]
    return every
