//! Whose credentials sign, for which Region; what happens while they can't be had; and that nothing in the environment
//! breaks a run. The binary, against a server that plays everybody who is asked. REPAVE_TEST_BINARY names another binary.

use std::fmt::Write as _;

use crate::binary::{Checkout, Ran, manifest};

mod peers;

use peers::{Answer, Asked, Peers, caller, json_error, sts_error};

const KEYS: &str = "aws_access_key_id = AKIA{}\naws_secret_access_key = canary-secret\n";

/// A folder with one manifest, AWS configuration files and a server that plays AWS.
struct House {
    checkout: Checkout,
    peers: Peers,
}

impl House {
    async fn new(config: &str) -> Self {
        Self::with(config, |_| None).await
    }

    /// `script` answers in place of the usual. In the configuration `{url}` is the server and `{keys:X}` a pair of keys.
    async fn with(
        config: &str,
        script: impl Fn(&Asked) -> Option<Answer> + Send + Sync + 'static,
    ) -> Self {
        let house = Self {
            checkout: Checkout::new(&manifest("a")),
            peers: Peers::start(script).await,
        };
        std::fs::create_dir_all(house.checkout.path().join(".aws/sso/cache")).unwrap();
        house.configure(config);
        house
    }

    fn configure(&self, config: &str) {
        let mut text = config.replace("{url}", &self.peers.url);
        while let Some((before, rest)) = text.clone().split_once("{keys:") {
            let (name, after) = rest.split_once('}').unwrap();
            text = format!("{before}{}{after}", KEYS.replace("{}", name));
        }
        self.checkout.write(".aws/config", &text);
    }

    /// The command with these variables alone; all endpoints are the server's.
    fn command(&self, variables: &str, arguments: &str) -> std::process::Command {
        let mut command = self.checkout.command(arguments);
        for name in [
            "AWS_REGION",
            "AWS_ACCESS_KEY_ID",
            "AWS_SECRET_ACCESS_KEY",
            "AWS_EC2_METADATA_DISABLED",
        ] {
            command.env_remove(name);
        }
        command.env("AWS_ENDPOINT_URL", &self.peers.url);
        command.env("AWS_EC2_METADATA_SERVICE_ENDPOINT", &self.peers.url);
        for pair in variables.split_whitespace() {
            let (name, value) = pair.split_once('=').unwrap();
            command.env(name, value.replace("{url}", &self.peers.url));
        }
        command
    }

    async fn run(&self, variables: &str, arguments: &str) -> Ran {
        Ran::by(self.command(variables, arguments)).await
    }

    /// Which keys listed and created, and for which Region.
    fn signed(&self) -> Vec<String> {
        let asked = self.peers.asked().into_iter();
        let mut signed: Vec<String> = asked
            .filter(|asked| asked.what.ends_with("Images") || asked.what.ends_with("Image"))
            .map(|asked| format!("{} {}", asked.key, asked.region))
            .collect();
        signed.dedup();
        signed
    }
}

/// Runs a reconciliation, and expects every WorkSpaces call to be signed so: `KEY REGION`.
async fn signs(config: &str, variables: &str, arguments: &str, expected: &str) {
    let house = House::new(config).await;
    let ran = house
        .run(variables, &format!("reconcile --once {arguments}"))
        .await;
    let context = format!("{config}\n{variables} {arguments}: {ran:?}");
    assert_eq!(house.signed(), [expected], "{context}");
    assert_eq!(ran.code, 0, "{context}");
}

/// Expects that nothing is asked of anybody, exit code 64, and these texts in what is said.
async fn refuses(config: &str, variables: &str, arguments: &str, texts: &[&str]) {
    let house = House::new(config).await;
    let ran = house
        .run(variables, &format!("reconcile --once {arguments}"))
        .await;
    let context = format!("{config}\n{variables} {arguments}: {ran:?}");
    assert_eq!(ran.code, 64, "{context}");
    assert_eq!(house.peers.asked(), [], "{context}");
    for text in texts {
        assert!(ran.last_line().contains(text), "{text:?} in {context}");
    }
}

/// A profile whose credentials the script process.sh prints.
const PROCESS: &str = "[profile work]\nregion = eu-west-1\ncredential_process = sh process.sh\n";

const PROFILES: &str = "[default]\nregion = eu-west-1\n{keys:DEFAULT}[profile prod]\nregion = eu-central-1\n{keys:PROD}\
                        [profile bare]\nregion = eu-west-2\n";
const DEV: &str = "AWS_ACCESS_KEY_ID=AKIADEV AWS_SECRET_ACCESS_KEY=canary-secret";

#[tokio::test]
async fn an_explicit_profile_takes_precedence_over_the_environment() {
    for (variables, arguments, expected) in [
        (DEV.to_owned(), "--profile prod", "AKIAPROD eu-central-1"),
        (
            format!("{DEV} REPAVE_PROFILE=prod"),
            "",
            "AKIAPROD eu-central-1",
        ),
        (
            format!("{DEV} AWS_REGION=us-east-1"),
            "--profile prod",
            "AKIAPROD eu-central-1",
        ),
        (
            format!("{DEV} AWS_REGION=us-east-1"),
            "--profile prod --region sa-east-1",
            "AKIAPROD sa-east-1",
        ),
        (
            format!("{DEV} AWS_PROFILE=prod"),
            "",
            "AKIADEV eu-central-1",
        ),
        (
            format!("{DEV} AWS_PROFILE=prod AWS_DEFAULT_REGION=us-east-2"),
            "",
            "AKIADEV us-east-2",
        ),
        (
            format!("{DEV} AWS_REGION= AWS_DEFAULT_REGION=us-east-2"),
            "",
            "AKIADEV us-east-2",
        ),
        (format!("{DEV} AWS_PROFILE="), "", "AKIADEV eu-west-1"),
        ("AWS_PROFILE=prod".into(), "", "AKIAPROD eu-central-1"),
        (
            "AWS_DEFAULT_PROFILE=prod".into(),
            "",
            "AKIAPROD eu-central-1",
        ),
        (String::new(), "", "AKIADEFAULT eu-west-1"),
    ] {
        signs(PROFILES, &variables, arguments, expected).await;
    }
    // Without a Region anywhere the instance's.
    signs(
        "[default]\n{keys:DEFAULT}",
        "",
        "",
        "AKIADEFAULT eu-south-1",
    )
    .await;
}

#[tokio::test]
async fn credentials_come_from_the_source_in_the_profile() {
    let role = "role_arn = arn:aws:iam::111122223333:role/repave\nregion = eu-west-1\n";
    let sso = "sso_account_id = 111122223333\nsso_role_name = desktop\nregion = eu-west-1\n";
    for (profile, variables, expected) in [
        (
            format!("{role}credential_source = Environment\n"),
            DEV,
            "AWS_ACCESS_KEY_ID",
        ),
        (
            format!("{role}credential_source = Ec2InstanceMetadata\n"),
            "",
            "ASIAINSTANCE",
        ),
        (
            format!("{role}credential_source = EcsContainer\n"),
            "AWS_CONTAINER_CREDENTIALS_FULL_URI={url}/container",
            "ASIACONTAINER",
        ),
        (
            format!("{role}source_profile = base\n[profile base]\n{{keys:BASE}}"),
            DEV,
            "AKIABASE",
        ),
    ] {
        let house = House::new(&format!("[profile prod]\n{profile}")).await;
        let ran = house
            .run(variables, "reconcile --once --profile prod")
            .await;
        assert_eq!(ran.code, 0, "{profile}: {ran:?}");
        assert_eq!(house.signed(), ["ASIAROLE eu-west-1"], "{profile}");
        let base = if expected == "AWS_ACCESS_KEY_ID" {
            "AKIADEV"
        } else {
            expected
        };
        assert_eq!(house.peers.asked_for("AssumeRole"), [base], "{profile}");
    }
    let process = r#"credential_process = echo '{"Version":1,"AccessKeyId":"AKIAPROCESS","SecretAccessKey":"canary-secret"}'"#;
    signs(
        &format!("[profile prod]\nregion = eu-west-1\n{process}\n"),
        DEV,
        "--profile prod",
        "AKIAPROCESS eu-west-1",
    )
    .await;
    let container = "AWS_REGION=eu-west-1 AWS_CONTAINER_CREDENTIALS_RELATIVE_URI= AWS_CONTAINER_CREDENTIALS_FULL_URI={url}/container";
    signs("", container, "", "ASIACONTAINER eu-west-1").await;
    signs("", "AWS_REGION=eu-west-1", "", "ASIAINSTANCE eu-west-1").await;

    let house = House::new(&format!(
        "[profile prod]\nsso_session = corp\n{sso}[sso-session corp]\nsso_region = eu-west-1\nsso_start_url = https://corp.example/start\n"
    ))
    .await;
    house
        .checkout
        .write(&token_file("corp"), &token("2126-01-01T00:00:00Z"));
    let ran = house.run(DEV, "reconcile --once --profile prod").await;
    assert_eq!(
        (ran.code, house.signed()),
        (0, vec!["ASIASSO eu-west-1".to_owned()]),
        "{ran:?}"
    );

    let house = House::new("").await;
    house.checkout.write("token", "canary-secret");
    let variables = "AWS_REGION=eu-west-1 AWS_WEB_IDENTITY_TOKEN_FILE=token AWS_ROLE_ARN=arn:aws:iam::111122223333:role/x";
    let ran = house.run(variables, "reconcile --once").await;
    assert_eq!(
        (ran.code, house.signed()),
        (0, vec!["ASIAROLE eu-west-1".to_owned()]),
        "{ran:?}"
    );
}

/// Where the AWS CLI keeps the token of a session: its name's SHA-1.
fn token_file(session: &str) -> String {
    // echo -n corp | sha1sum
    assert_eq!(session, "corp");
    ".aws/sso/cache/ee0bfd2552fbd840c02cc48b6e823320543c450f.json".into()
}

fn token(expires: &str) -> String {
    format!(
        r#"{{"accessToken":"canary-secret","expiresAt":"{expires}","refreshToken":"canary-secret","clientId":"c",
            "clientSecret":"canary-secret","registrationExpiresAt":"2126-01-01T00:00:00Z","region":"eu-west-1",
            "startUrl":"https://corp.example/start"}}"#
    )
}

#[tokio::test]
async fn a_named_profile_must_exist_and_is_never_replaced() {
    let file = ".aws/config";
    for (variables, arguments, texts) in [
        ("", "--profile wrok", &["wrok", file, "work"][..]),
        (DEV, "--profile wrok", &["wrok", file]),
        ("REPAVE_PROFILE=wrok", "", &["wrok", file]),
        ("AWS_PROFILE=wrok", "", &["wrok", file]),
        (
            "AWS_ACCESS_KEY_ID=AKIADEV AWS_SECRET_ACCESS_KEY=x AWS_PROFILE=wrok",
            "",
            &["wrok", file],
        ),
        ("AWS_DEFAULT_PROFILE=wrok", "", &["wrok", file]),
        (
            "AWS_PROFILE=work AWS_DEFAULT_PROFILE=lost",
            "",
            &["AWS_PROFILE", "AWS_DEFAULT_PROFILE"],
        ),
        ("", "--profile lost", &["lost", "gone", file]),
        ("AWS_PROFILE=lost", "", &["lost", "gone", file]),
        (
            "",
            "--profile circle",
            &["circle", "circle -> back -> circle", file],
        ),
        ("", "--profile alone", &["alone", file]),
        (
            "",
            "--profile both",
            &["both", "source_profile and credential_source"],
        ),
        (
            "",
            "--profile neither",
            &["neither", "source_profile nor credential_source"],
        ),
        ("", "--profile odd", &["odd", "Ec2Instance"]),
        ("", "--profile keyless", &["keyless", "AWS_ACCESS_KEY_ID"]),
        ("", "--profile hollow", &["hollow", "bare"]),
        ("", "--profile bare", &["bare", "no credentials"]),
        ("AWS_PROFILE=bare", "", &["bare", "no credentials"]),
        ("", "--profile half", &["half", "aws_secret_access_key"]),
        (
            "",
            "--profile emptied",
            &["emptied", "aws_access_key_id", "empty"],
        ),
        (
            "",
            "--profile shifted",
            &["shifted", "aws_access_key_id", "lines"],
        ),
        (
            "",
            "--profile nosession",
            &["nosession", "sso-session nothere"],
        ),
        ("", "--profile noregion", &["noregion", "sso_region"]),
        ("", "--profile norole", &["norole", "sso_role_name"]),
        (
            "",
            "--profile wrongregion",
            &["wrongregion", "eu-wst-1", "eu-west-1"],
        ),
        ("", "--profile login", &["login", "credential_process"]),
        ("", "--profile mfa", &["mfa", "mfa_serial"]),
        ("", "--profile webless", &["webless", "token-not-there"]),
        (
            "AWS_WEB_IDENTITY_TOKEN_FILE=/gone/token AWS_ROLE_ARN=arn:aws:iam::1:role/x",
            "",
            &["/gone/token", "AWS_WEB_IDENTITY_TOKEN_FILE"],
        ),
        (
            "AWS_WEB_IDENTITY_TOKEN_FILE=/etc/hostname",
            "",
            &["AWS_ROLE_ARN"],
        ),
        (
            "AWS_ACCESS_KEY_ID=AKIADEV",
            "",
            &["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"],
        ),
        (
            "AWS_SECRET_ACCESS_KEY=x",
            "",
            &["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"],
        ),
        (
            "AWS_SHARED_CREDENTIALS_FILE=/gone/credentials AWS_CONFIG_FILE=/dev/null",
            "",
            &["/gone/credentials", "AWS_SHARED_CREDENTIALS_FILE"],
        ),
        (
            "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI=@localhost/x AWS_CONFIG_FILE=/dev/null",
            "",
            &["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"],
        ),
        (
            "AWS_CONTAINER_CREDENTIALS_FULL_URI=http://10.0.0.1/x AWS_CONFIG_FILE=/dev/null",
            "",
            &["AWS_CONTAINER_CREDENTIALS_FULL_URI"],
        ),
    ] {
        let config = "[profile work]\n{keys:WORK}\n[profile lost]\nrole_arn = arn:aws:iam::1:role/x\nsource_profile = gone\n\
            [profile circle]\nrole_arn = arn:aws:iam::1:role/x\nsource_profile = back\n\
            [profile back]\nrole_arn = arn:aws:iam::1:role/x\nsource_profile = circle\n\
            [profile alone]\nrole_arn = arn:aws:iam::1:role/x\nsource_profile = alone\n\
            [profile both]\nrole_arn = arn:aws:iam::1:role/x\nsource_profile = work\ncredential_source = Environment\n\
            [profile neither]\nrole_arn = arn:aws:iam::1:role/x\n\
            [profile odd]\nrole_arn = arn:aws:iam::1:role/x\ncredential_source = Ec2Instance\n\
            [profile keyless]\nrole_arn = arn:aws:iam::1:role/x\ncredential_source = Environment\n\
            [profile hollow]\nrole_arn = arn:aws:iam::1:role/x\nsource_profile = bare\n\
            [profile bare]\nregion = eu-west-1\n\
            [profile half]\naws_access_key_id = AKIAHALF\n\
            [profile emptied]\naws_access_key_id =\naws_secret_access_key = x\n\
            [profile shifted]\naws_access_key_id = AKIASHIFTED\n  aws_secret_access_key = x\n\
            [profile nosession]\nsso_session = nothere\nsso_account_id = 1\nsso_role_name = x\n\
            [profile noregion]\nsso_start_url = https://x\nsso_account_id = 1\nsso_role_name = x\n\
            [profile norole]\nsso_start_url = https://x\nsso_account_id = 1\nsso_region = eu-west-1\n\
            [profile wrongregion]\nsso_start_url = https://x\nsso_account_id = 1\nsso_role_name = x\nsso_region = eu-wst-1\n\
            [profile login]\nlogin_session = arn:aws:iam::1:user/x\n\
            [profile mfa]\nrole_arn = arn:aws:iam::1:role/x\nsource_profile = work\nmfa_serial = arn:aws:iam::1:mfa/x\n\
            [profile webless]\nrole_arn = arn:aws:iam::1:role/x\nweb_identity_token_file = token-not-there\n";
        refuses(
            config,
            variables,
            &format!("--region eu-west-1 {arguments}"),
            texts,
        )
        .await;
    }
}

#[tokio::test]
async fn values_that_aws_tools_accept_work_and_others_are_errors() {
    let keys = "{keys:DEFAULT}";
    let indented = "  aws_access_key_id = AKIADEFAULT\n  aws_secret_access_key = canary-secret\n  region = eu-west-1\n";
    for (config, variables) in [
        (
            format!("[default]\n{keys}"),
            "AWS_REGION=eu-west-1 AWS_RETRY_MODE=legacy",
        ),
        (
            format!("[default]\n{keys}retry_mode = legacy\nmax_attempts = 4\n"),
            "AWS_REGION=eu-west-1",
        ),
        (
            format!("[default]\n{keys}"),
            "AWS_REGION=eu-west-1 AWS_RETRY_MODE= AWS_MAX_ATTEMPTS= AWS_ENDPOINT_URL_WORKSPACES= AWS_CA_BUNDLE=",
        ),
        (
            format!("[default]\n{keys}"),
            "AWS_REGION=eu-west-1 AWS_USE_FIPS_ENDPOINT= AWS_DEFAULTS_MODE=nonsense AWS_SDK_UA_APP_ID=a~~b",
        ),
        (format!("[default]\n{indented}"), ""),
        (
            format!("[default]\r\n{}", indented.replace('\n', "\r\n")),
            "",
        ),
        (
            format!(
                "# a comment\n[plugins]\nx = y\n[default]\n{keys}region : eu-west-1\ns3 =\n  max_queue_size = 1\n"
            ),
            "",
        ),
    ] {
        signs(&config, variables, "", "AKIADEFAULT eu-west-1").await;
    }
    let fine = format!("[default]\n{keys}region = eu-west-1\n");
    let line = |bad: &str| format!("{fine}[profile other]\n{bad}\n");
    for (config, variables, texts) in [
        (
            fine.clone(),
            "AWS_RETRY_MODE=lgacy",
            &["AWS_RETRY_MODE", "legacy"][..],
        ),
        (fine.clone(), "AWS_MAX_ATTEMPTS=many", &["AWS_MAX_ATTEMPTS"]),
        (fine.clone(), "AWS_MAX_ATTEMPTS=0", &["AWS_MAX_ATTEMPTS"]),
        (
            fine.replace("region", "retry_mode = x\nregion"),
            "",
            &["retry_mode", "profile default", ".aws/config"],
        ),
        (
            fine.clone(),
            "AWS_USE_FIPS_ENDPOINT=maybe",
            &["AWS_USE_FIPS_ENDPOINT"],
        ),
        (
            fine.clone(),
            "AWS_ENDPOINT_URL_WORKSPACES=nowhere",
            &["AWS_ENDPOINT_URL_WORKSPACES"],
        ),
        (
            fine.clone(),
            "AWS_REGION=\"eu-west-1\"",
            &["AWS_REGION", "eu-west-1?"],
        ),
        (
            fine.clone(),
            "AWS_DEFAULT_REGION=eu-wst-1",
            &["AWS_DEFAULT_REGION", "eu-west-1?"],
        ),
        (
            fine.replace("eu-west-1", "Ireland"),
            "",
            &["region of profile default", ".aws/config", "Ireland"],
        ),
        (line("broken"), "", &[".aws/config", "line 6"]),
        (
            line("a = 1\nA = 2"),
            "",
            &[".aws/config", "line 7", "second a"],
        ),
        (
            format!("\u{feff}{fine}"),
            "",
            &[".aws/config", "line 1", "byte order mark"],
        ),
        (
            fine.replace("[default]", "services = x\n[default]"),
            "",
            &[".aws/config", "line 1"],
        ),
        (format!("{fine}services = gone\n"), "", &["services gone"]),
        (
            fine.replace(
                "{keys:DEFAULT}",
                "aws_access_key_id = AKIA DEFAULT\naws_secret_access_key = x\n",
            ),
            "",
            &["aws_access_key_id of profile default"],
        ),
        (
            fine.clone(),
            "AWS_CA_BUNDLE=/gone.pem",
            &["AWS_CA_BUNDLE", "/gone.pem"],
        ),
        (
            fine.clone(),
            "AWS_CA_BUNDLE=/etc",
            &["AWS_CA_BUNDLE", "/etc"],
        ),
        (fine.clone(), "AWS_CONFIG_FILE=/etc", &["/etc"]),
        (
            fine.clone(),
            "AWS_EC2_METADATA_DISABLED=1",
            &["AWS_EC2_METADATA_DISABLED", "true or false"],
        ),
        (
            fine.clone(),
            "HTTPS_PROXY=http://[bad",
            &["HTTPS_PROXY", "proxy"],
        ),
        (
            fine.clone(),
            "AWS_EXECUTION_ENV=\u{e9}",
            &["AWS_EXECUTION_ENV"],
        ),
        (
            fine.replace(
                "{keys:DEFAULT}",
                "aws_access_key_id = \"AKIA\"\naws_secret_access_key = x\n",
            ),
            "",
            &["quotation mark"],
        ),
        (
            fine.replace("[default]", "[prod]"),
            "AWS_PROFILE=prod",
            &["AWS_PROFILE", "Rename it to [profile prod]"],
        ),
        (
            String::new(),
            "AWS_CONFIG_FILE=/gone/config AWS_ACCESS_KEY_ID=AKIA AWS_SECRET_ACCESS_KEY=x",
            &["found no Region", "/gone/config"],
        ),
    ] {
        refuses(&config, variables, "", texts).await;
    }
    refuses(&fine, "", "--region eu-wst-1", &["wrong command line"]).await;
}

#[tokio::test]
async fn an_invalid_variable_is_named_and_its_value_is_not_shown() {
    use std::os::unix::ffi::OsStringExt as _;
    let house = House::new(PROFILES).await;
    for (name, value, said) in [
        (
            "AWS_REGION",
            b"eu-west-1\n".to_vec(),
            "AWS_REGION contains a line break",
        ),
        (
            "AWS_PROFILE",
            b"\xff\xfe".to_vec(),
            "AWS_PROFILE is not UTF-8",
        ),
        (
            "AWS_ACCESS_KEY_ID",
            b"canary-secret\n".to_vec(),
            "AWS_ACCESS_KEY_ID contains a line break",
        ),
    ] {
        let mut command = house.command("AWS_SECRET_ACCESS_KEY=canary-secret", "plan");
        command.env(name, std::ffi::OsString::from_vec(value));
        let ran = Ran::by(command).await;
        assert_eq!(ran.code, 64, "{ran:?}");
        assert!(ran.last_line().contains(said), "{ran:?}");
    }
}

/// What is asked for credentials, the configuration that leads there, and what answers how.
#[tokio::test]
async fn a_source_that_is_down_is_retried_and_a_refusal_is_reported() {
    let role = "[profile p]\nregion = eu-west-1\nrole_arn = arn:aws:iam::111122223333:role/r\nsource_profile = b\n[profile b]\n{keys:B}";
    let web = "[profile p]\nregion = eu-west-1\nrole_arn = arn:aws:iam::111122223333:role/r\nweb_identity_token_file = token\n";
    let sso = "[profile p]\nregion = eu-west-1\nsso_session = corp\nsso_account_id = 111122223333\nsso_role_name = desktop\n\
               [sso-session corp]\nsso_region = eu-west-1\nsso_start_url = https://corp.example/start\n";
    let container = "AWS_REGION=eu-west-1 AWS_CONTAINER_CREDENTIALS_FULL_URI={url}/container";
    let instance = "AWS_REGION=eu-west-1";
    let roles = "/latest/meta-data/iam/security-credentials/";
    let desktop = "/latest/meta-data/iam/security-credentials/desktop";
    let mut rows: Vec<(&str, &str, &str, Answer, bool, &str)> = Vec::new();
    for (status, body) in [(500, "oops"), (503, ""), (429, ""), (0, "")] {
        let answer = || (status, body.to_owned());
        rows.extend([
            (
                role,
                "AWS_PROFILE=p",
                "AssumeRole",
                answer(),
                true,
                "profile p",
            ),
            (
                web,
                "AWS_PROFILE=p",
                "AssumeRoleWithWebIdentity",
                answer(),
                true,
                "web identity token",
            ),
            (
                sso,
                "AWS_PROFILE=p",
                "/federation/credentials",
                answer(),
                true,
                "SSO session corp of profile p",
            ),
            (
                "",
                container,
                "/container",
                answer(),
                true,
                "AWS_CONTAINER_CREDENTIALS_FULL_URI",
            ),
            (
                "",
                instance,
                "/latest/api/token",
                answer(),
                true,
                "the instance role",
            ),
            ("", instance, roles, answer(), true, "the instance role"),
        ]);
    }
    let login = "aws sso login --profile p";
    rows.extend([
        (
            role,
            "AWS_PROFILE=p",
            "AssumeRole",
            sts_error(400, "Throttling"),
            true,
            "Throttling",
        ),
        (
            role,
            "AWS_PROFILE=p",
            "AssumeRole",
            sts_error(403, "AccessDenied"),
            false,
            "sts:AssumeRole",
        ),
        (
            role,
            "AWS_PROFILE=p",
            "AssumeRole",
            sts_error(403, "InvalidClientTokenId"),
            false,
            "profile p",
        ),
        (
            web,
            "AWS_PROFILE=p",
            "AssumeRoleWithWebIdentity",
            sts_error(400, "Throttling"),
            true,
            "Throttling",
        ),
        (
            web,
            "AWS_PROFILE=p",
            "AssumeRoleWithWebIdentity",
            sts_error(400, "IDPCommunicationError"),
            true,
            "IDP",
        ),
        (
            web,
            "AWS_PROFILE=p",
            "AssumeRoleWithWebIdentity",
            sts_error(400, "ExpiredTokenException"),
            false,
            "token",
        ),
        (
            sso,
            "AWS_PROFILE=p",
            "/federation/credentials",
            json_error(429, "TooManyRequestsException"),
            true,
            "SSO",
        ),
        (
            sso,
            "AWS_PROFILE=p",
            "/federation/credentials",
            json_error(401, "UnauthorizedException"),
            false,
            login,
        ),
        (
            sso,
            "AWS_PROFILE=p",
            "/federation/credentials",
            json_error(403, "ForbiddenException"),
            false,
            "desktop",
        ),
        (
            role,
            "AWS_PROFILE=p",
            "AssumeRole",
            sts_error(503, "ServiceUnavailable"),
            true,
            "ServiceUnavailable",
        ),
        (
            role,
            "AWS_PROFILE=p",
            "AssumeRole",
            (200, "<x/>".into()),
            true,
            "profile p",
        ),
        (
            role,
            "AWS_PROFILE=p",
            "AssumeRole",
            sts_error(403, "ExpiredToken"),
            false,
            "Renew or correct",
        ),
        (
            "",
            container,
            "/container",
            (408, String::new()),
            true,
            "HTTP 408",
        ),
        (
            "",
            instance,
            desktop,
            (
                200,
                r#"{"Code":"AssumeRoleUnauthorizedAccess","Message":"no trust"}"#.into(),
            ),
            false,
            "no trust",
        ),
        (
            "",
            instance,
            desktop,
            (200, r#"{"Acc"#.into()),
            true,
            "the instance role",
        ),
        (
            "",
            instance,
            roles,
            (200, "a b<".into()),
            false,
            "Attach a role to the instance",
        ),
        (
            "",
            container,
            "/container",
            (404, String::new()),
            false,
            "HTTP 404",
        ),
        (
            "",
            container,
            "/container",
            (200, "{}".into()),
            false,
            "no credentials",
        ),
        (
            "",
            instance,
            roles,
            (404, String::new()),
            false,
            "Attach a role to the instance",
        ),
        (
            "",
            instance,
            "/latest/api/token",
            (403, String::new()),
            false,
            "HTTP 403",
        ),
    ]);
    for (config, variables, failing, answer, passes, says) in rows {
        let context = format!("{failing} {answer:?}");
        let house = House::with(config, move |asked| {
            (asked.what == failing).then(|| answer.clone())
        })
        .await;
        house.checkout.write("token", "canary-secret");
        house
            .checkout
            .write(&token_file("corp"), &token("2126-01-01T00:00:00Z"));
        let ran = house.run(variables, "plan").await;
        let (code, said) = if passes {
            (1, "cannot get credentials now from")
        } else {
            (3, "cannot get credentials from")
        };
        assert_eq!(ran.code, code, "{context}: {ran:?}");
        for text in [said, says] {
            assert!(
                ran.last_line().contains(text),
                "{text:?} in {context}: {ran:?}"
            );
        }
        assert_eq!(house.signed(), [""; 0], "{context}");
    }
}

#[tokio::test]
async fn an_expired_session_asks_for_a_login_unless_it_can_be_renewed() {
    let sso = "[profile p]\nregion = eu-west-1\nsso_session = corp\nsso_account_id = 111122223333\nsso_role_name = desktop\n\
               [sso-session corp]\nsso_region = eu-west-1\nsso_start_url = https://corp.example/start\n";
    for (file, oidc, code, says) in [
        (None, 200, 3, "aws sso login --profile p"),
        (
            Some("no json".to_owned()),
            200,
            3,
            "aws sso login --profile p",
        ),
        (Some(token("2020-01-01T00:00:00Z")), 200, 0, "planned"),
        (
            Some(token("2020-01-01T00:00:00Z")),
            400,
            3,
            "aws sso login --profile p",
        ),
        (
            Some(token("2020-01-01T00:00:00Z")),
            503,
            1,
            "cannot get credentials now",
        ),
        (
            Some(token("2020-01-01T00:00:00Z").replace("refreshToken", "x")),
            503,
            3,
            "aws sso login --profile p",
        ),
    ] {
        let house = House::with(sso, move |asked| {
            (asked.what == "/token" && oidc != 200)
                .then(|| json_error(oidc, "InvalidGrantException"))
        })
        .await;
        if let Some(file) = &file {
            house.checkout.write(&token_file("corp"), file);
        }
        let ran = house.run("AWS_PROFILE=p", "plan").await;
        assert_eq!(ran.code, code, "{file:?} {oidc}: {ran:?}");
        assert!(ran.last_line().contains(says), "{file:?} {oidc}: {ran:?}");
    }
}

#[tokio::test]
async fn without_credentials_the_error_names_the_searched_places() {
    let house = House::new("").await;
    let variables = "AWS_REGION=eu-west-1 AWS_EC2_METADATA_SERVICE_ENDPOINT=http://127.0.0.1:1";
    for more in ["", " AWS_EC2_METADATA_DISABLED=true"] {
        let ran = house
            .run(&format!("{variables}{more}"), "reconcile --once")
            .await;
        assert_eq!(ran.code, 3, "{ran:?}");
        for text in [
            "found no credentials",
            "environment",
            ".aws/config",
            "--profile",
        ] {
            assert!(ran.last_line().contains(text), "{text} in {ran:?}");
        }
    }
}

#[tokio::test]
async fn a_run_continues_when_the_source_of_credentials_is_back() {
    let times = std::sync::atomic::AtomicU32::new(0);
    let role = "[profile p]\nregion = eu-west-1\nrole_arn = arn:aws:iam::111122223333:role/r\nsource_profile = b\n[profile b]\n{keys:B}";
    let house = House::with(role, move |asked| {
        // The SDK tries three times, so that the second listing finds STS well.
        let fails = asked.what == "AssumeRole"
            && times.fetch_add(1, std::sync::atomic::Ordering::Relaxed) < 3;
        fails.then(|| (503, String::new()))
    })
    .await;
    let ran = house.run("", "reconcile --once --profile p").await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(house.signed(), ["ASIAROLE eu-west-1"]);
    assert_eq!(
        house.peers.asked_for("CreateUpdatedWorkspaceImage").len(),
        1
    );
}

/// The keys in the file are replaced while a run waits: once the old ones are refused the file is read again, once.
#[tokio::test]
async fn rotated_keys_are_reloaded_once_before_the_failure_is_reported() {
    let role = "[profile p]\nregion = eu-west-1\nrole_arn = arn:aws:iam::111122223333:role/r\nsource_profile = b\n[profile b]\n";
    let plain = "[profile p]\nregion = eu-west-1\n";
    for (profile, refused, rotates, code, keys) in [
        (
            plain,
            "DescribeWorkspaceImages",
            true,
            0,
            &["AKIAOLD", "AKIANEW"][..],
        ),
        (plain, "DescribeWorkspaceImages", false, 3, &["AKIAOLD"]),
        (
            plain,
            "CreateUpdatedWorkspaceImage",
            true,
            0,
            &["AKIAOLD", "AKIANEW"],
        ),
        // Read once more, and listed once more.
        (
            plain,
            "CreateUpdatedWorkspaceImage",
            false,
            3,
            &["AKIAOLD", "AKIAOLD"],
        ),
        (role, "AssumeRole", true, 0, &["AKIAOLD", "AKIANEW"]),
        (role, "AssumeRole", false, 3, &["AKIAOLD"]),
    ] {
        let file = std::sync::Arc::new(std::sync::OnceLock::<std::path::PathBuf>::new());
        let place = std::sync::Arc::clone(&file);
        let new = profile.to_owned() + &KEYS.replace("{}", "NEW");
        let house = House::with(&format!("{profile}{{keys:OLD}}"), move |asked| {
            if asked.what != refused || asked.key != "AKIAOLD" {
                return None;
            }
            if rotates && let Some(place) = place.get() {
                repave::sys::files::write_whole(place, new.as_bytes()).unwrap();
            }
            Some(match refused {
                "AssumeRole" => sts_error(403, "InvalidClientTokenId"),
                _ => json_error(400, "ExpiredTokenException"),
            })
        })
        .await;
        file.set(house.checkout.path().join(".aws/config")).unwrap();
        let ran = house
            .run("", "reconcile --once --timeout 20s --profile p")
            .await;
        let context = format!("{refused} {rotates}: {ran:?}");
        assert_eq!(house.peers.asked_for(refused), keys, "{context}");
        assert_eq!(ran.code, code, "{context}");
        // A create is never sent by other credentials than those of the listing that it was decided by.
        let mut listed_by = String::new();
        for asked in house.peers.asked() {
            match asked.what.as_str() {
                "DescribeWorkspaceImages" => listed_by = asked.key,
                "CreateUpdatedWorkspaceImage" => assert_eq!(asked.key, listed_by, "{context}"),
                _ => {}
            }
        }
    }
}

/// Several creates of one pass, the first of which is refused while the files turn to another account.
#[tokio::test]
async fn the_rest_of_a_pass_waits_when_credentials_are_refused() {
    let keys = "[default]\nregion = eu-west-1\n{keys:OLD}";
    let web = "[default]\nregion = eu-west-1\nweb_identity_token_file = token\nrole_arn = arn:aws:iam::111122223333:role/r\n";
    for (before, after) in [
        (keys, KEYS.replace("{}", "NEW")),
        (
            web,
            "web_identity_token_file = token\nrole_arn = arn:aws:iam::444455556666:role/r\n".into(),
        ),
    ] {
        let file = std::sync::Arc::new(std::sync::OnceLock::<std::path::PathBuf>::new());
        let place = std::sync::Arc::clone(&file);
        let after = format!("[default]\nregion = eu-west-1\n{after}");
        let times = std::sync::atomic::AtomicU32::new(0);
        let house = House::with(before, move |asked| {
            let is_create = asked.what == "CreateUpdatedWorkspaceImage";
            if !is_create || times.fetch_add(1, std::sync::atomic::Ordering::Relaxed) > 0 {
                return None;
            }
            repave::sys::files::write_whole(place.get().unwrap(), after.as_bytes()).unwrap();
            Some(json_error(400, "ExpiredTokenException"))
        })
        .await;
        file.set(house.checkout.path().join(".aws/config")).unwrap();
        house.checkout.write("token", "canary-secret");
        for name in ["b", "c"] {
            house
                .checkout
                .write(&format!("manifests/{name}.yaml"), &manifest(name));
        }
        let ran = house.run("", "reconcile --once --timeout 20s").await;
        // The listing comes first again, whoever signs it; a changed origin is refused.
        let mut listed = 0;
        for asked in house.peers.asked() {
            match asked.what.as_str() {
                "DescribeWorkspaceImages" => listed += 1,
                "CreateUpdatedWorkspaceImage" => assert!(
                    asked.key.ends_with("OLD") || listed > 1 || asked.key == "ASIAROLE",
                    "{ran:?}"
                ),
                _ => {}
            }
        }
        let creates = house.peers.asked_for("CreateUpdatedWorkspaceImage").len();
        assert_eq!(
            (ran.code, creates),
            if before == keys { (0, 4) } else { (3, 1) },
            "{ran:?}"
        );
    }
}

#[tokio::test]
async fn a_listing_of_two_accounts_is_an_error() {
    let times = std::sync::atomic::AtomicU32::new(0);
    let house = House::with(PROFILES, move |asked| {
        let image = |id: &str, owner: &str| {
            format!(
                r#"{{"ImageId":"wsi-{id}","Name":"{id}","State":"AVAILABLE","OwnerAccountId":"{owner}"}}"#
            )
        };
        let is_first = times.fetch_add(1, std::sync::atomic::Ordering::Relaxed) == 0;
        (asked.what == "DescribeWorkspaceImages" && is_first).then(|| {
            let (one, two) = (image("a0000000a", "444455556666"), image("source000", "111122223333"));
            (200, format!("{{\"Images\":[{one},{two}]}}"))
        })
    })
    .await;
    let ran = house.run("", "plan --profile prod").await;
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(ran.last_line().contains("two accounts"), "{ran:?}");
}

#[tokio::test]
async fn no_password_of_a_metadata_endpoint_is_shown() {
    let house = House::new("").await;
    let variables = "AWS_REGION=eu-west-1 AWS_EC2_METADATA_SERVICE_ENDPOINT=http://user:canary-secret@127.0.0.1:1";
    for arguments in ["plan", "reconcile --once", "plan --log-level trace -o json"] {
        let ran = house.run(variables, arguments).await;
        assert_eq!(ran.code, 3, "{ran:?}");
        assert!(!ran.err.contains("user:"), "{ran:?}");
    }
    let status = std::fs::read_to_string(house.checkout.path().join(".repave/status.json"));
    assert!(!status.unwrap().contains("canary-secret"));
}

#[tokio::test]
async fn an_unavailable_instance_region_is_not_a_usage_error() {
    for (answer, code) in [((503, ""), 1), ((0, ""), 1), ((404, ""), 64)] {
        let house = House::with("[default]\n{keys:A}", move |asked| {
            (asked.what == "/latest/meta-data/placement/region")
                .then(|| (answer.0, answer.1.to_owned()))
        })
        .await;
        let ran = house.run("", "plan").await;
        assert_eq!(ran.code, code, "{answer:?}: {ran:?}");
    }
}

/// Whatever becomes of the files while a run goes on, nobody else's credentials take the place of the first.
#[tokio::test]
async fn a_run_keeps_its_source_of_credentials() {
    for (refused, emptied) in [
        ("DescribeWorkspaceImages", ""),
        ("CreateUpdatedWorkspaceImage", ""),
        (
            "DescribeWorkspaceImages",
            "[default]\ncredential_process = echo no\n",
        ),
        ("DescribeWorkspaceImages", "broken"),
    ] {
        let file = std::sync::Arc::new(std::sync::OnceLock::<std::path::PathBuf>::new());
        let place = std::sync::Arc::clone(&file);
        let house = House::with("[default]\n{keys:OLD}", move |asked| {
            if asked.what != refused {
                return None;
            }
            repave::sys::files::write_whole(place.get().unwrap(), emptied.as_bytes()).unwrap();
            Some(json_error(400, "ExpiredTokenException"))
        })
        .await;
        file.set(house.checkout.path().join(".aws/config")).unwrap();
        let ran = house.run("AWS_REGION=eu-west-1", "reconcile --once").await;
        assert_eq!(ran.code, 3, "{refused} {emptied:?}: {ran:?}");
        assert_eq!(house.signed(), ["AKIAOLD eu-west-1"], "{ran:?}");
        assert!(ran.err.contains("the AWS configuration"), "{ran:?}");
    }
}

#[tokio::test]
async fn a_source_that_is_down_after_a_refusal_is_retried() {
    let role = "[profile p]\nregion = eu-west-1\nrole_arn = arn:aws:iam::111122223333:role/r\nsource_profile = b\n[profile b]\n{keys:B}";
    let times = std::sync::atomic::AtomicU32::new(0);
    let house = House::with(role, move |asked| match asked.what.as_str() {
        "DescribeWorkspaceImages" => Some(json_error(400, "ExpiredTokenException")),
        "AssumeRole" => {
            let is_first = times.fetch_add(1, std::sync::atomic::Ordering::Relaxed) == 0;
            (!is_first).then(|| (503, String::new()))
        }
        _ => None,
    })
    .await;
    let ran = house.run("", "plan --profile p").await;
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(
        ran.last_line().contains("cannot get credentials now"),
        "{ran:?}"
    );
}

/// Credentials that still hold are used, whatever becomes of those that should replace them.
#[tokio::test]
async fn a_failed_renewal_has_no_effect_while_the_credentials_are_valid() {
    // They last 8 s and are due after 4; the listings come at 0, 5 and 15 s.
    let script = "if [ -e used ]; then echo expired >&2; exit 1; fi; touch used; \
        echo \"{\\\"Version\\\":1,\\\"AccessKeyId\\\":\\\"AKIASHORT\\\",\\\"SecretAccessKey\\\":\\\"canary-secret\\\",\
        \\\"Expiration\\\":\\\"$(date -u -d '+8 seconds' +%Y-%m-%dT%H:%M:%SZ)\\\"}\"";
    let house = House::with(PROCESS, |asked| {
        // A source that is being built is what the run waits for.
        (asked.what == "DescribeWorkspaceImages").then(|| {
            let image = r#"{"ImageId":"wsi-source000","Name":"source","State":"PENDING"}"#;
            (200, format!("{{\"Images\":[{image}]}}"))
        })
    })
    .await;
    house.checkout.write("process.sh", script);
    let ran = house
        .run("", "reconcile --once --wait --timeout 30s --profile work")
        .await;
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(ran.last_line().contains("expired"), "{ran:?}");
    assert!(
        house.peers.asked_for("DescribeWorkspaceImages").len() >= 2,
        "{ran:?}"
    );
}

#[tokio::test]
async fn a_credential_process_stops_with_the_run() {
    let house = House::new(PROCESS).await;
    house
        .checkout
        .write("process.sh", "echo $$ > pid; exec sleep 321");
    let ran = house
        .run("", "reconcile --once --timeout 2s --profile work")
        .await;
    assert_eq!(ran.code, 9, "{ran:?}");
    let pid = std::fs::read_to_string(house.checkout.path().join("pid")).unwrap();
    let proc = format!("/proc/{}", pid.trim());
    while std::path::Path::new(&proc).exists() {
        let state = std::fs::read_to_string(format!("{proc}/stat")).unwrap_or_default();
        if state.contains(") Z ") {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn the_endpoint_flag_applies_to_sts_unless_sts_has_a_separate_endpoint() {
    for (variables, code) in [
        ("", 0),
        ("AWS_ENDPOINT_URL_STS=http://127.0.0.1:1", 1),
        (
            "AWS_ENDPOINT_URL_STS=http://127.0.0.1:1 AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=true",
            0,
        ),
    ] {
        let house = House::new(PROFILES).await;
        let at = format!(
            "plan --profile prod --expect-account 111122223333 --endpoint-url {}",
            house.peers.url
        );
        let ran = house.run(variables, &at).await;
        assert_eq!(ran.code, code, "{variables}: {ran:?}");
    }
}

#[tokio::test]
async fn a_slow_credential_process_is_logged() {
    use std::io::BufRead as _;
    let script = "while [ ! -e done ]; do sleep 0.1; done; echo \
        '{\"Version\":1,\"AccessKeyId\":\"AKIASLOW\",\"SecretAccessKey\":\"canary-secret\"}'";
    let house = House::new(PROCESS).await;
    house.checkout.write("process.sh", script);
    let mut child = house.command("", "plan --profile work").spawn().unwrap();
    let stderr = child.stderr.take().unwrap();
    let path = house.checkout.path().join("done");
    let said = tokio::task::spawn_blocking(move || {
        let mut said = String::new();
        for line in std::io::BufReader::new(stderr).lines() {
            let line = line.unwrap();
            if line.contains("waiting for credentials from credential_process of profile work") {
                repave::sys::files::write_whole(&path, b"").unwrap();
            }
            let _ = writeln!(said, "{line}");
        }
        said
    })
    .await
    .unwrap();
    assert!(child.wait().unwrap().success(), "{said}");
    assert!(said.contains("waiting for credentials"), "{said}");
    assert_eq!(house.signed(), ["AKIASLOW eu-west-1"]);
}

#[tokio::test]
async fn a_failed_credential_process_is_reported() {
    for (script, says) in [
        ("echo wrong password >&2; exit 3", "wrong password"),
        ("echo '{}'", "credential_process of profile work"),
        ("/gone/program", "credential_process of profile work"),
        ("exit 1", "printed nothing to stderr"),
        ("yes", "64 KiB"),
        (
            "yes | head -c 100000 >&2; exit 1",
            "it failed with exit status: 1",
        ),
        (
            r#"printf %s '{"Version":1,"AccessKeyId":"AK\nIA","SecretAccessKey":"canary-secret"}'"#,
            "invalid character",
        ),
        (
            r#"echo '{"Version":1,"AccessKeyId":"","SecretAccessKey":"canary-secret"}'"#,
            "invalid character",
        ),
        (
            r#"printf %s '{"Version":1,"AccessKeyId":"A","SecretAccessKey":"canary-secret","SessionToken":"a\nb"}'"#,
            "invalid character",
        ),
        (
            "echo '{\"Version\":1,\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"canary-secret\",\"Expiration\":\"2020-01-01T00:00:00Z\"}'",
            "expired at 2020",
        ),
    ] {
        let house = House::new(PROCESS).await;
        house.checkout.write("process.sh", script);
        let ran = house.run("", "plan --profile work").await;
        assert_eq!(ran.code, 3, "{ran:?}");
        assert!(ran.last_line().contains(says), "{says}: {ran:?}");
    }
}

#[tokio::test]
async fn only_the_expected_account_receives_requests() {
    for (expected, answer, code, listed, says) in [
        ("111122223333", None, 0, true, "done"),
        ("444455556666", None, 3, false, "444455556666"),
        (
            "111122223333",
            Some((503, String::new())),
            9,
            false,
            "timed out",
        ),
        (
            "111122223333",
            Some((0, String::new())),
            9,
            false,
            "timed out",
        ),
        (
            "111122223333",
            Some(sts_error(403, "InvalidClientTokenId")),
            3,
            false,
            "InvalidClientTokenId",
        ),
    ] {
        let house = House::with(PROFILES, move |asked| {
            answer.clone().filter(|_| asked.what == "GetCallerIdentity")
        })
        .await;
        let variables = format!("REPAVE_EXPECT_ACCOUNT={expected}");
        let ran = house
            .run(&variables, "reconcile --once --timeout 3s --profile prod")
            .await;
        assert_eq!(ran.code, code, "{ran:?}");
        assert_eq!(!house.signed().is_empty(), listed, "{ran:?}");
        assert!(ran.last_line().contains(says), "{says}: {ran:?}");
        assert!(
            house
                .peers
                .asked_for("GetCallerIdentity")
                .iter()
                .all(|key| key == "AKIAPROD")
        );
    }
    // The listing names its owner: another one than STS named is refused as well, before anything is created.
    let house = House::with(PROFILES, |asked| {
        (asked.what == "GetCallerIdentity").then(|| (200, caller("444455556666")))
    })
    .await;
    let ran = house
        .run(
            "",
            "reconcile --once --profile prod --expect-account 444455556666",
        )
        .await;
    assert_eq!(ran.code, 3, "{ran:?}");
    assert_eq!(
        house.peers.asked_for("CreateUpdatedWorkspaceImage"),
        [""; 0]
    );
}

/// A listing of the source alone, of this account and in this state.
fn source_of(account: &str, state: &str) -> Answer {
    let image = format!(
        r#"{{"ImageId":"wsi-source000","Name":"source","State":"{state}","OwnerAccountId":"{account}"}}"#
    );
    (200, format!("{{\"Images\":[{image}]}}"))
}

/// A script that prints AKIAOLD, which lasts 8 s, and then AKIANEW.
const OLD_THEN_NEW: &str = "if [ -e used ]; then k=NEW; else k=OLD; touch used; fi
e=$(date -u -d '+8 seconds' +%Y-%m-%dT%H:%M:%SZ)
printf '{\"Version\":1,\"AccessKeyId\":\"AKIA%s\",\"SecretAccessKey\":\"canary-secret\",\"Expiration\":\"%s\"}' $k $e\n";

/// Without anybody's refusal: the account of the first listing is the run's.
#[tokio::test]
async fn a_run_creates_nothing_in_a_second_account() {
    // The source becomes AVAILABLE in the other account only.
    let house = House::with(PROCESS, move |asked| {
        match (asked.what.as_str(), asked.key.as_str()) {
            ("DescribeWorkspaceImages", "AKIAOLD") => Some(source_of("111122223333", "PENDING")),
            ("DescribeWorkspaceImages", "AKIANEW") => Some(source_of("444455556666", "AVAILABLE")),
            _ => None,
        }
    })
    .await;
    house.checkout.write("process.sh", OLD_THEN_NEW);
    let ran = house
        .run("", "reconcile --once --wait --timeout 30s --profile work")
        .await;
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(
        ran.last_line()
            .contains("started with account 111122223333"),
        "{ran:?}"
    );
    assert_eq!(
        house.peers.asked_for("CreateUpdatedWorkspaceImage"),
        [""; 0]
    );
}

#[tokio::test]
async fn a_daemon_recovers_when_its_credentials_are_corrected() {
    let times = std::sync::atomic::AtomicU32::new(0);
    let house = House::with(
        "[default]\nregion = eu-west-1\n{keys:A}",
        move |asked| match (asked.what.as_str(), asked.key.as_str()) {
            ("DescribeWorkspaceImages", "AKIAA") => {
                let is_first = times.fetch_add(1, std::sync::atomic::Ordering::Relaxed) == 0;
                let first = source_of("111122223333", "PENDING");
                Some(if is_first {
                    first
                } else {
                    json_error(400, "ExpiredTokenException")
                })
            }
            ("DescribeWorkspaceImages", "AKIAB") => Some(source_of("444455556666", "AVAILABLE")),
            ("DescribeWorkspaceImages", "AKIAC") => Some(source_of("111122223333", "AVAILABLE")),
            _ => None,
        },
    )
    .await;
    let mut daemon = house.command("", "reconcile").spawn().unwrap();
    let is_asked = async |what: &str, key: &str| {
        let asked = || house.peers.asked_for(what).iter().any(|by| by == key);
        while !asked() {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    let signal = |name: &str| {
        let pid = daemon.id().to_string();
        assert!(
            std::process::Command::new("kill")
                .args([name, &pid])
                .status()
                .unwrap()
                .success()
        );
    };
    is_asked("DescribeWorkspaceImages", "AKIAA").await;
    house.configure("[default]\nregion = eu-west-1\n{keys:B}");
    signal("-HUP");
    is_asked("DescribeWorkspaceImages", "AKIAB").await;
    house.configure("[default]\nregion = eu-west-1\n{keys:C}");
    signal("-HUP");
    is_asked("CreateUpdatedWorkspaceImage", "AKIAC").await;
    signal("-TERM");
    daemon.wait().unwrap();
    assert_eq!(
        house.peers.asked_for("CreateUpdatedWorkspaceImage"),
        ["AKIAC"]
    );
}

#[tokio::test]
async fn new_credentials_are_checked_before_they_sign() {
    // The first keys are the expected account's; those that replace them are another's.
    let house = House::with(PROCESS, |asked| {
        match (asked.what.as_str(), asked.key.as_str()) {
            ("DescribeWorkspaceImages", "AKIAOLD") => {
                Some(json_error(400, "ExpiredTokenException"))
            }
            ("GetCallerIdentity", "AKIANEW") => Some((200, caller("444455556666"))),
            _ => None,
        }
    })
    .await;
    house.checkout.write("process.sh", OLD_THEN_NEW);
    let ran = house
        .run(
            "",
            "reconcile --once --profile work --expect-account 111122223333",
        )
        .await;
    assert_eq!(ran.code, 3, "{ran:?}");
    assert_eq!(house.signed(), ["AKIAOLD eu-west-1"], "{ran:?}");
    assert_eq!(
        house.peers.asked_for("GetCallerIdentity"),
        ["AKIAOLD", "AKIANEW"]
    );
}

#[tokio::test]
async fn a_private_ca_in_the_configuration_is_trusted() {
    let authority = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/identity/tls/ca.pem");
    let mut house = House::new(&format!(
        "{PROFILES}[profile private]\n{{keys:PRIVATE}}region = eu-west-1\nca_bundle = {authority}\n"
    ))
    .await;
    house.peers = Peers::start_tls().await;
    for (variables, arguments, code) in [
        (format!("AWS_CA_BUNDLE={authority}"), "plan", 0),
        (String::new(), "plan --profile private", 0),
        (String::new(), "plan", 1),
    ] {
        let ran = house.run(&variables, arguments).await;
        assert_eq!(ran.code, code, "{variables} {arguments}: {ran:?}");
    }
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    for text in [
        "",
        "no certificate",
        broken,
        "-----BEGIN CERTIFICATE-----\n",
    ] {
        house.checkout.write("ca.pem", text);
        let ran = house.run("AWS_CA_BUNDLE=ca.pem", "plan").await;
        assert_eq!(ran.code, 64, "{text}: {ran:?}");
        assert!(
            ran.last_line().contains("ca.pem (AWS_CA_BUNDLE)"),
            "{ran:?}"
        );
    }
}
