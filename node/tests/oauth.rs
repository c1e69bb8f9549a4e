//! Sign-in by OAuth, end to end: the built node, the emulator's authorization server and mail servers over sockets.

#[path = "oauth/dovecot.rs"]
mod dovecot;
#[path = "oauth/rig.rs"]
mod rig;

use dovecot::Dovecot;
use rig::{ADDRESS, CLIENT_SECRET, Emulator, LIMIT, PASSWORD, browse, client, request};
use secrecy::ExposeSecret as _;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::time::Duration;
use url::Url;
use warmnet_node::config::{Home, NodeConfig, SecretsConfig};
use warmnet_node::mail::{Credential, Login, MailTimeouts, SignInCheck, SignInError, check_mailbox};
use warmnet_node::oauth::{Bearer, GrantStore as _, HeldGrant, Loopback, OAuthError, ask_device, wait_device};
use warmnet_node::secrets::Secrets;

const BOTH: [&str; 2] = ["XOAUTH2", "OAUTHBEARER"];

async fn check(emulator: &Emulator, credential: Credential) -> SignInCheck {
    let login = Login { user: ADDRESS.to_owned(), password: credential };
    check_mailbox(&emulator.server("smtps"), &emulator.server("imaps"), &login, &MailTimeouts::default()).await
}

fn node(home: &Home, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_warmnet-node"));
    command.arg("--home").arg(home.root()).args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn test_mailbox(home: &Home) -> Output {
    node(home, &["mailbox", "test", "--json"]).output().expect("it runs")
}

/// The whole life of a permission, with the programs as their owner uses them.
#[test]
fn a_mailbox_is_added_in_the_browser_signs_in_again_and_says_when_the_permission_is_gone() {
    let emulator = Emulator::start(3_600, &BOTH);
    let folder = tempfile::tempdir().expect("a folder");
    let home = Home::at(folder.path());
    std::fs::write(home.node_toml(), toml::to_string(&NodeConfig::default()).expect("TOML")).expect("written");
    Secrets::create(&home, &SecretsConfig::default()).expect("created");
    let (provider, ca) = (emulator.provider_file(), emulator.ca());
    let (smtp, imap) = (emulator.port("smtps").to_string(), emulator.port("imaps").to_string());
    let servers =
        ["--smtp-host", "mx.alpha.test", "--smtp-address", "127.0.0.1", "--imap-host", "mx.alpha.test", "--imap-address", "127.0.0.1"];
    let mut adding =
        node(&home, &["mailbox", "add", ADDRESS, "--json", "--consent", "none", "--client-id", "owner", "--client-secret-stdin"])
            .args(servers)
            .args(["--smtp-port", &smtp, "--imap-port", &imap])
            .arg("--ca-file")
            .arg(&ca)
            .arg("--oauth")
            .arg(&provider)
            .spawn()
            .expect("it runs");
    writeln!(adding.stdin.take().expect("piped"), "{CLIENT_SECRET}").expect("written");
    let mut said = BufReader::new(adding.stderr.take().expect("piped")).lines();
    let address = said.by_ref().map(|l| l.expect("text")).find(|l| l.trim_start().starts_with("http")).expect("an address");
    let argv = std::fs::read(format!("/proc/{}/cmdline", adding.id())).expect("it runs");
    assert!(!String::from_utf8_lossy(&argv).contains("Canary"), "no secret in the arguments");
    let address = Url::parse(address.trim()).expect("an address");
    assert_eq!(browse(&address, &[("address", ADDRESS), ("password", PASSWORD)]), 200);
    let added = adding.wait_with_output().expect("it ends");
    let rest: String = said.map_while(Result::ok).collect();
    assert!(added.status.success(), "{}{rest}", String::from_utf8_lossy(&added.stdout));

    // Each run takes a new refresh token and voids the one before: both work only if it was saved.
    for _ in 0..2 {
        let tested = test_mailbox(&home);
        assert!(tested.status.success(), "{tested:?}");
    }
    assert_eq!(emulator.refreshed(), 3);

    emulator.revoke(true);
    let tested = test_mailbox(&home);
    let text = String::from_utf8_lossy(&tested.stdout);
    assert_eq!(tested.status.code(), Some(5), "{text}");
    assert!(text.contains("no longer accepts") && text.contains("--oauth"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokens_are_renewed_before_their_end_and_once_when_refused() {
    let emulator = Emulator::start(6, &BOTH);
    let held = Arc::new(HeldGrant::new(emulator.permission().await.expect("given")));
    let bearer = Bearer::new(held.clone());
    let first_refresh = held.load().expect("held").refresh_token;

    // Many at once: one renewal.
    let many: Vec<_> = (0..20)
        .map(|_| {
            tokio::spawn({
                let bearer = bearer.clone();
                async move { bearer.access().await }
            })
        })
        .collect();
    let mut tokens = Vec::new();
    for one in many {
        tokens.push(one.await.expect("no panic").expect("a token").expose_secret().to_owned());
    }
    tokens.dedup();
    assert_eq!((tokens.len(), emulator.refreshed()), (1, 1));
    assert_ne!(held.load().expect("held").refresh_token.expose_secret(), first_refresh.expose_secret(), "the new one is kept");

    // Renewed before its end: never refused, though it lives 6 s.
    let changed = async {
        loop {
            assert_eq!(check(&emulator, Credential::OAuth(bearer.clone())).await.exit_code(), 0);
            if bearer.access().await.expect("a token").expose_secret() != tokens[0] {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(LIMIT, changed).await.expect("renewed in time");

    // A new caller that still holds a void token: refused once, renewed, signed in.
    let bearer = Bearer::new(held.clone());
    let login = Credential::OAuth(bearer.clone());
    bearer.access().await.expect("a token");
    emulator.revoke(false);
    let before = emulator.refreshed();
    assert_eq!(check(&emulator, login.clone()).await.exit_code(), 0);
    assert!(emulator.refreshed() > before);

    // Gone for good: told as such, and asked for only once.
    emulator.revoke(true);
    let bearer = Bearer::new(held);
    let login = Credential::OAuth(bearer);
    for _ in 0..3 {
        let check = check(&emulator, login.clone()).await;
        let gone = || Err(SignInError::Grant(OAuthError::Revoked));
        assert_eq!((check.smtp, check.imap.map(drop)), (gone(), gone()));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_standard_mechanism_and_the_device_flow_work_too() {
    let emulator = Emulator::start(3_600, &["OAUTHBEARER"]);
    let provider = emulator.provider();
    let code = ask_device(&provider, &client()).await.expect("a code");
    let page = Url::parse(&code.address).expect("an address");
    let form = format!("user_code={}&address={ADDRESS}&password={}", code.user_code, "Canary-pass%2Fword%2B1+%25");
    assert_eq!(request("POST", &page, &form).0, 200);
    let grant = wait_device(&provider, &client(), code).await.expect("given");
    let bearer = Bearer::new(Arc::new(HeldGrant::new(grant)));
    assert_eq!(check(&emulator, Credential::OAuth(bearer.clone())).await.exit_code(), 0);
    // The error challenge of OAUTHBEARER is answered: a refusal, no broken connection.
    let other = Login { user: "other@m01.test".to_owned(), password: Credential::OAuth(bearer) };
    let check = check_mailbox(&emulator.server("smtps"), &emulator.server("imaps"), &other, &MailTimeouts::default()).await;
    assert!(matches!(check.smtp, Err(SignInError::Refused { code: Some(code) }) if code.basic == 535), "{check:?}");
    assert_eq!(check.imap.err(), Some(SignInError::Refused { code: None }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_foreign_answer_is_passed_over_and_a_no_is_a_no() {
    let emulator = Emulator::start(3_600, &BOTH);
    let start = || async { Loopback::start(emulator.provider(), client()).await.expect("a port") };
    let loopback = start().await;
    let address = loopback.address(ADDRESS).expect("an address");
    let wait = tokio::spawn(loopback.wait(LIMIT));
    let page = address.clone();
    tokio::task::spawn_blocking(move || {
        let redirect = page.query_pairs().find(|(k, _)| k == "redirect_uri").expect("there").1.into_owned();
        let foreign = Url::parse(&format!("{redirect}?code=stolen&state=guessed")).expect("an address");
        assert_eq!(request("GET", &foreign, "").0, 400);
        assert_eq!(request("GET", &Url::parse(&format!("{redirect}favicon.ico")).expect("an address"), "").0, 404);
        assert_eq!(browse(&page, &[("deny", "1")]), 200);
    })
    .await
    .expect("the browser works");
    assert_eq!(wait.await.expect("no panic").err(), Some(OAuthError::Denied));

    let silent = start().await.wait(Duration::from_millis(50)).await;
    assert_eq!(silent.err(), Some(OAuthError::NobodyAnswered));
}

/// What our own server might forgive, Dovecot doesn't.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_real_dovecot_takes_both_mechanisms_and_refuses_a_forged_token() {
    for mechanism in ["xoauth2", "oauthbearer"] {
        let Some(dovecot) = Dovecot::start(mechanism) else { return };
        let sign_in = async |right| {
            let (grant, user) = dovecot::grant(right);
            let bearer = Bearer::new(Arc::new(HeldGrant::new(grant)));
            let login = Login { user: user.to_owned(), password: Credential::OAuth(bearer) };
            // There is no submission server here: what counts is IMAP.
            check_mailbox(&dovecot.server(), &dovecot.server(), &login, &MailTimeouts { greeting_seconds: 2, ..MailTimeouts::default() })
                .await
                .imap
        };
        let folders = sign_in(true).await.unwrap_or_else(|e| panic!("{mechanism}: {e}\n{}", dovecot.log()));
        assert_eq!(folders.junk.as_deref(), Some("Junk"));
        assert_eq!(sign_in(false).await.err(), Some(SignInError::Refused { code: None }), "{}", dovecot.log());
    }
}
