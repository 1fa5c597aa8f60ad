//! Many simulated accounts and Regions, by the binary: `repave simulate` in one process, repave with a role in another.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command};

use serde_json::Value;

use crate::binary::{Checkout, Ran, manifest};

const SEED: &str = "
caller: {accountId: '999988887777'}
roles:
- {arn: 'arn:aws:iam::999988887777:role/hub', trusts: ['999988887777']}
- {arn: 'arn:aws:iam::111122223333:role/repave', trusts: ['arn:aws:iam::999988887777:role/hub'], externalId: r-1}
accounts:
- accountId: '111122223333'
  regions: [eu-west-1, us-east-1]
  buildTime: 0s
  images: [{id: wsi-source000, name: source}]
- {accountId: '999988887777', images: [{id: wsi-source000, name: source}]}
";

const CONFIG: &str = "
[profile hub]
role_arn = arn:aws:iam::999988887777:role/hub
credential_source = Environment
[profile target]
role_arn = arn:aws:iam::111122223333:role/repave
external_id = r-1
source_profile = hub
[profile direct]
role_arn = arn:aws:iam::111122223333:role/repave
external_id = r-1
credential_source = Environment
[profile no-external-id]
role_arn = arn:aws:iam::111122223333:role/repave
source_profile = hub
";

/// `repave simulate` with the seed and a file, and the variables that it prints.
struct Simulator {
    child: Child,
    variables: Vec<(String, String)>,
}

impl Simulator {
    fn start(checkout: &Checkout) -> Self {
        let arguments = "simulate --seed seed.yaml --account-file world.json --listen 127.0.0.1:0";
        let mut child = checkout.command(arguments).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let first = lines.next().unwrap().unwrap();
        let url = first.strip_prefix("listening on ").unwrap();
        let exported = |line: String| {
            let (name, value) = line
                .strip_prefix("export ")
                .unwrap()
                .split_once('=')
                .unwrap();
            (name.to_owned(), value.to_owned())
        };
        let variables: Vec<_> = (0..4)
            .map(|_| exported(lines.next().unwrap().unwrap()))
            .collect();
        assert_eq!(
            variables[2],
            ("AWS_DEFAULT_REGION".into(), "eu-west-1".into())
        );
        assert_eq!(variables[3], ("AWS_ENDPOINT_URL".into(), url.into()));
        Self { child, variables }
    }

    /// A command with these variables, and none that other tests set.
    fn command(&self, checkout: &Checkout, arguments: &str) -> Command {
        let mut command = checkout.command(arguments);
        for name in ["AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] {
            command.env_remove(name);
        }
        command.envs(self.variables.iter().cloned());
        command.env("AWS_CONFIG_FILE", "config");
        command
    }

    async fn run(&self, checkout: &Checkout, arguments: &str) -> Ran {
        Ran::by(self.command(checkout, arguments)).await
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn checkout() -> Checkout {
    let checkout = Checkout::new(&manifest("a"));
    checkout.write("seed.yaml", SEED);
    checkout.write("config", CONFIG);
    checkout
}

/// The names of the images that were created in the account and Region, in the saved world.
fn created(checkout: &Checkout, account_id: &str, region: &str) -> Vec<String> {
    let file = std::fs::read(checkout.path().join("world.json")).unwrap();
    let file: Value = serde_json::from_slice(&file).unwrap();
    let accounts = file["world"]["accounts"].as_array().unwrap();
    let is = |account: &&Value| account["accountId"] == account_id && account["region"] == region;
    let account = accounts.iter().find(is).unwrap();
    let created = account["memory"]["created"].as_array().unwrap();
    let names = created
        .iter()
        .map(|made| made["name"].as_str().unwrap().to_owned());
    names.collect()
}

#[tokio::test]
async fn a_profile_with_roles_reaches_the_roles_account_and_not_the_callers() {
    let checkout = checkout();
    let simulator = Simulator::start(&checkout);
    let arguments = "reconcile --once --profile target --expect-account 111122223333 -o json";
    let ran = simulator.run(&checkout, arguments).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(ran.json()["targets"][0]["accountId"], "111122223333");
    assert_eq!(created(&checkout, "111122223333", "eu-west-1"), ["a"]);
    assert_eq!(created(&checkout, "111122223333", "us-east-1"), [""; 0]);
    assert_eq!(created(&checkout, "999988887777", "eu-west-1"), [""; 0]);

    let there = "reconcile --once --profile target --region us-east-1 --status-file there.json";
    assert_eq!(simulator.run(&checkout, there).await.code, 0);
    assert_eq!(created(&checkout, "111122223333", "us-east-1"), ["a"]);
    let hub = "reconcile --once --status-file hub.json --expect-account 999988887777";
    assert_eq!(simulator.run(&checkout, hub).await.code, 0);
    assert_eq!(created(&checkout, "999988887777", "eu-west-1"), ["a"]);
}

#[tokio::test]
async fn a_saved_world_continues_after_a_restart() {
    let checkout = checkout();
    let arguments = "reconcile --once --profile target";
    {
        let simulator = Simulator::start(&checkout);
        assert_eq!(simulator.run(&checkout, arguments).await.code, 0);
    }
    let simulator = Simulator::start(&checkout);
    let plan = "plan --profile target --detailed-exitcode -o json";
    let ran = simulator.run(&checkout, plan).await;
    assert_eq!(
        (ran.code, &ran.json()["totals"]["ready"]),
        (0, &1.into()),
        "{ran:?}"
    );
    assert_eq!(created(&checkout, "111122223333", "eu-west-1"), ["a"]);
    drop(simulator);
    checkout.write("seed.yaml", &format!("{SEED}sessionDuration: 1h\n"));
    let arguments = "simulate --seed seed.yaml --account-file world.json --listen 127.0.0.1:0";
    let ran = checkout.run(arguments).await;
    assert_eq!(ran.code, 64, "{ran:?}");
    assert!(ran.last_line().contains("another seed"), "{ran:?}");
}

#[tokio::test]
async fn a_role_that_does_not_trust_the_caller_is_never_replaced_by_the_caller() {
    let checkout = checkout();
    let simulator = Simulator::start(&checkout);
    for profile in ["direct", "no-external-id"] {
        let arguments = format!("reconcile --once --profile {profile}");
        let ran = simulator.run(&checkout, &arguments).await;
        assert_eq!(ran.code, 3, "{ran:?}");
        let says = "is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::111122223333:role/repave";
        assert!(ran.err.contains(says), "{ran:?}");
    }
    let ran = simulator
        .run(&checkout, "plan --expect-account 111122223333")
        .await;
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(!checkout.path().join("world.json").exists());
}

#[tokio::test]
async fn a_world_in_the_process_has_the_account_of_its_caller() {
    let checkout = checkout();
    let arguments = "reconcile --once --simulate=seed.yaml -o json";
    for _ in 0..2 {
        let ran = checkout.run(arguments).await;
        assert_eq!(ran.code, 0, "{ran:?}");
        assert_eq!(ran.json()["targets"][0]["accountId"], "999988887777");
    }
    let there = "plan --simulate=seed.yaml --region us-east-1 --expect-account 999988887777";
    let ran = checkout.run(there).await;
    assert!(
        ran.out.contains("Account not known yet, Region us-east-1"),
        "{ran:?}"
    );
}
