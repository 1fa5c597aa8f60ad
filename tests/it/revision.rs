//! Real Git repositories: which commit the manifests are of, whether they differ from it, and `--require-clean`.

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::binary::{Checkout, Ran, manifest};

/// A folder with a Git repository in `repo`, which has two manifests.
struct Repository(Checkout);

pub fn search_path() -> std::ffi::OsString {
    #[expect(clippy::disallowed_methods, reason = "where Git is on this machine")]
    std::env::var_os("PATH").unwrap()
}

impl Repository {
    fn new() -> Self {
        let checkout = Checkout::new("");
        std::fs::create_dir_all(checkout.path().join("repo/manifests")).unwrap();
        checkout.write("repo/manifests/a.yaml", &manifest("a"));
        checkout.write("repo/manifests/b.yaml", &manifest("b"));
        checkout.write(
            ".gitconfig",
            "[user]\nname = x\nemail = x@example.com\n[protocol \"file\"]\nallow = always\n",
        );
        let repository = Self(checkout);
        repository.shell("git init -q -b main; git add -A; git commit -qm one");
        repository
    }

    /// Runs a script in the repository, as a person does.
    fn shell(&self, script: &str) {
        let ran = Command::new("/bin/sh")
            .args(["-euc", script])
            .current_dir(self.0.path().join("repo"))
            .env_clear()
            .env("HOME", self.0.path())
            .env("PATH", search_path())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert!(ran.status.success(), "{script}: {ran:?}");
    }

    fn command(&self, arguments: &str) -> Command {
        let mut command = self.0.command(arguments);
        command.env("PATH", search_path());
        command
    }

    /// What a plan says of the manifests, and the end of a run with `--require-clean`.
    async fn seen(&self, folder: &str, prepare: impl Fn(&mut Command)) -> (Value, Ran) {
        let common = format!("--manifests {folder} --simulate -o json");
        let mut plan = self.command(&format!("plan {common}"));
        let mut run = self.command(&format!("reconcile --once --require-clean {common}"));
        prepare(&mut plan);
        prepare(&mut run);
        let plan = Ran::by(plan).await;
        assert_eq!(plan.code, 0, "{plan:?}");
        (plan.json()["manifests"].clone(), Ran::by(run).await)
    }

    /// Checks whether the manifests differ from the commit, and why a run with `--require-clean` is refused.
    async fn check(&self, what: &str, folder: &str, dirty: Option<bool>, why: &str) {
        let (manifests, run) = self.seen(folder, |_| ()).await;
        assert_eq!(manifests["dirty"], json!(dirty), "{what}: {run:?}");
        let revision = manifests["revision"].as_str().unwrap_or_default();
        assert_eq!(revision.ends_with("+dirty"), dirty == Some(true), "{what}");
        let code = if dirty == Some(false) { 0 } else { 5 };
        assert_eq!(run.code, code, "{what}: {run:?}");
        assert!(run.last_line().contains(why), "{what}: {run:?}");
    }
}

#[tokio::test]
async fn the_manifests_are_compared_with_the_commit() {
    let differs = "a.yaml differs from the commit. Commit or undo the change";
    let is_new = "manifests/n.yaml is not in the commit";
    for (what, script, dirty, why) in [
        ("nothing", "", Some(false), ""),
        (
            "what repave does not read",
            "echo x > manifests/README.md; mkdir -p manifests/.h/d; echo '- x' > manifests/.h/d/x.yaml
             echo '- x' > manifests/.x.yaml; echo '- x' > top.yaml; git add -A; echo y >> manifests/README.md",
            Some(false),
            "",
        ),
        ("a time", "touch -d 2001-01-01 manifests/a.yaml", Some(false), ""),
        ("an edit", "echo '#' >> manifests/a.yaml", Some(true), differs),
        ("the index", "echo '#' >> manifests/a.yaml; git add -A", Some(true), differs),
        (
            "a commit",
            "echo '#' >> manifests/a.yaml; git add -A; git commit -qm two",
            Some(false),
            "",
        ),
        ("a file removed", "rm manifests/a.yaml", Some(true), differs),
        ("a file moved", "git mv manifests/a.yaml manifests/c.yaml", Some(true), differs),
        ("a new file", "echo '#' > manifests/n.yaml", Some(true), is_new),
        (
            "a new file in capitals",
            "mkdir manifests/d; echo '#' > manifests/d/n.YML",
            Some(true),
            "manifests/d/n.YML is not in the commit",
        ),
        (
            "a file that Git ignores",
            "echo n.yaml > .gitignore; echo '#' > manifests/n.yaml; git add -A; git commit -qm two",
            Some(true),
            is_new,
        ),
        (
            "line ends that Git converts",
            "git config core.autocrlf true; rm manifests/*; git checkout -q manifests
             grep -q $(printf '\\r') manifests/a.yaml",
            Some(false),
            "",
        ),
        (
            "a sparse checkout",
            "git sparse-checkout set --no-cone '/*' '!manifests/b.yaml'; test ! -e manifests/b.yaml",
            Some(false),
            "",
        ),
        (
            "a file that Git does not compare",
            "git update-index --assume-unchanged manifests/a.yaml; echo '#' >> manifests/a.yaml",
            None,
            "Git does not compare manifests/a.yaml",
        ),
        (
            "another file that Git does not compare",
            "git update-index --skip-worktree manifests/a.yaml; echo '#' >> manifests/a.yaml",
            None,
            "Git does not compare manifests/a.yaml",
        ),
        ("no branch", "git checkout -q --detach", Some(false), ""),
        ("no commit", "git checkout -q --orphan x", None, "the checkout has no commit"),
        ("no repository", "rm -r .git", None, "the folder is not in a Git checkout"),
        (
            "a link",
            "echo '#' > s.yaml; ln -s ../s.yaml manifests/l.yaml; git add -A; git commit -qm two",
            Some(false),
            "",
        ),
        (
            "a link to a file that differs",
            "echo '#' > s.yaml; ln -s ../s.yaml manifests/l.yaml; git add -A; git commit -qm two
             echo '#' >> s.yaml",
            Some(true),
            "s.yaml differs from the commit",
        ),
        (
            "a link to a hidden file that differs",
            "mkdir manifests/.h; echo '#' > manifests/.h/s.yaml; ln -s .h/s.yaml manifests/l.yaml
             git add -A; git commit -qm two; echo '#' >> manifests/.h/s.yaml",
            Some(true),
            "manifests/.h/s.yaml differs from the commit",
        ),
        (
            "a link out of the checkout",
            "echo '#' > ../s.yaml; ln -s ../../s.yaml manifests/l.yaml; git add -A; git commit -qm two",
            None,
            "s.yaml is not in the checkout",
        ),
        (
            "a repository below",
            "git init -q manifests/r; echo '#' > manifests/r/n.yaml; cd manifests/r
             git add -A; git commit -qm one",
            Some(true),
            "manifests/r is not in the commit",
        ),
    ] {
        let repository = Repository::new();
        repository.shell(script);
        repository.check(what, "repo/manifests", dirty, why).await;
    }
}

#[tokio::test]
async fn submodules_and_worktrees_are_checkouts() {
    let repository = Repository::new();
    let check = async |what, folder, dirty, why| repository.check(what, folder, dirty, why).await;
    repository.shell(
        "git init -q -b main ../lib; echo '#' > ../lib/x.yaml
         git -C ../lib add -A; git -C ../lib commit -qm one
         git submodule add -q ../lib manifests/lib; git commit -qm two",
    );
    check("a submodule", "repo/manifests", Some(false), "").await;
    check("in it", "repo/manifests/lib --allow-empty", Some(false), "").await;
    repository.shell("echo x > manifests/lib/README.md");
    check("beside its files", "repo/manifests", Some(false), "").await;
    repository.shell("echo '#' >> manifests/lib/x.yaml");
    let why = "manifests/lib/x.yaml differs from the commit";
    check("an edit", "repo/manifests", Some(true), why).await;
    repository.shell("git -C manifests/lib commit -qam two");
    let why = "manifests/lib differs from the commit";
    check("its commit", "repo/manifests", Some(true), why).await;
    repository.shell("git commit -qam three; git worktree add -q ../tree -b topic");
    check("both commits", "repo/manifests", Some(false), "").await;
    // The submodule is not checked out there.
    check("a worktree", "tree/manifests", Some(false), "").await;
    let (manifests, _) = repository.seen("tree/manifests", |_| ()).await;
    let revision = manifests["revision"].as_str().unwrap();
    assert!(revision.starts_with("topic@sha1:"), "{revision}");
    repository.shell("echo '#' >> ../tree/manifests/a.yaml");
    let why = "manifests/a.yaml differs from the commit";
    check("an edit there", "tree/manifests", Some(true), why).await;
    check("and not here", "repo/manifests", Some(false), "").await;
}

#[tokio::test]
async fn without_an_answer_of_git_it_is_unknown() {
    let repository = Repository::new();
    let (manifests, run) = repository
        .seen("repo/manifests", |command| {
            command.env("PATH", "");
        })
        .await;
    assert_eq!(manifests["dirty"], Value::Null);
    let revision = manifests["revision"].as_str().unwrap();
    assert!(revision.starts_with("main@sha1:"), "{revision}");
    assert!(run.last_line().contains("Install Git"), "{run:?}");
    assert_eq!(run.code, 5);

    // Only root can give a file to another user.
    let chown = Command::new("chown")
        .args(["-R", "12345"])
        .arg(repository.0.path().join("repo"))
        .output();
    if chown.unwrap().status.success() {
        let why = "Run repave as the owner of the checkout, or add the checkout to safe.directory";
        let check = async |dirty, why| {
            let what = "another owner";
            repository.check(what, "repo/manifests", dirty, why).await;
        };
        check(None, why).await;
        repository.shell("git config --global --add safe.directory '*'");
        check(Some(false), "").await;
    }
}

#[tokio::test]
async fn the_variables_of_a_git_hook_do_not_change_the_repository() {
    let repository = Repository::new();
    repository.shell("echo '#' >> manifests/a.yaml; git init -q ../other");
    let other = repository.0.path().join("other");
    let hook = |command: &mut Command| {
        command
            .env("GIT_DIR", other.join(".git"))
            .env("GIT_WORK_TREE", &other)
            .env("GIT_INDEX_FILE", other.join("index"))
            .env("GIT_PREFIX", "manifests/")
            .env("GIT_LITERAL_PATHSPECS", "1");
    };
    let (manifests, run) = repository.seen("repo/manifests", hook).await;
    assert_eq!(manifests["dirty"], true);
    assert!(run.last_line().contains("a.yaml differs"), "{run:?}");
    repository.shell("git checkout -q manifests");
    let (manifests, run) = repository.seen("repo/manifests", hook).await;
    assert_eq!((&manifests["dirty"], run.code), (&json!(false), 0));
}

#[tokio::test]
async fn a_run_can_require_a_branch() {
    let repository = Repository::new();
    let run = async |arguments: &str| {
        let arguments =
            format!("reconcile --once --simulate --manifests repo/manifests {arguments}");
        let ran = Ran::by(repository.command(&arguments)).await;
        (ran.code, ran.last_line().to_owned())
    };
    assert_eq!(run("--require-clean --branch main").await.0, 0);
    assert_eq!(run("--require-clean --branch refs/heads/main").await.0, 0);
    let (code, words) = run("--require-clean --branch production").await;
    assert_eq!(code, 5);
    insta::assert_snapshot!(words, @"repave: --require-clean refused the manifests: the checkout is on branch main, but --branch requires production. Check out production");
    repository.shell("git checkout -q --detach");
    let (code, words) = run("--require-clean --branch main").await;
    assert_eq!(code, 5);
    assert!(words.contains("the checkout is not on a branch"), "{words}");
    // Alone it protects nothing.
    let (code, words) = run("--branch main").await;
    assert_eq!(code, 64, "{words}");
    let (code, words) = run("--require-clean --branch=a..~b").await;
    assert_eq!(code, 64, "{words}");
}

#[tokio::test]
async fn a_run_and_its_status_name_a_revision_that_is_dirty() {
    let repository = Repository::new();
    repository.shell("echo '#' >> manifests/a.yaml");
    let common = "--simulate --manifests repo/manifests";
    let run = Ran::by(repository.command(&format!("reconcile --once {common}"))).await;
    assert_eq!(run.code, 0, "{run:?}");
    let plan = Ran::by(repository.command(&format!("plan {common}"))).await;
    let line = plan
        .out
        .lines()
        .find(|line| line.starts_with("Manifests main@sha1:"));
    assert!(line.unwrap().ends_with("+dirty"), "{plan:?}");
    let page = Ran::by(repository.command(&format!("plan {common} --markdown-into page.md"))).await;
    assert_eq!(page.code, 0, "{page:?}");
    let page = std::fs::read_to_string(repository.0.path().join("page.md")).unwrap();
    let line = page
        .lines()
        .find(|line| line.starts_with("`Manifests main@sha1:"));
    assert!(line.is_some_and(|line| line.ends_with("+dirty`")), "{page}");
    let status = Ran::by(repository.command("status --simulate -o json")).await;
    assert_eq!(status.json()["manifests"]["dirty"], true);
    let file = std::fs::read(Path::new(repository.0.path()).join(".repave/simulated/status.json"));
    let file: Value = serde_json::from_slice(&file.unwrap()).unwrap();
    let marked = file["history"][0]["revision"].as_str().unwrap();
    assert!(marked.ends_with("+dirty"), "{marked}");
}
