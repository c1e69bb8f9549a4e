//! `mailbox add` and `doctor` as their owner runs them: the program itself, against DNS and mail servers on loopback.

#[allow(dead_code)]
#[path = "../src/discovery/testbed.rs"]
mod testbed;

use serde_json::Value;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use testbed::{Certificate, PASSWORD, Zone, imap, smtp};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use warmnet_node::mail;
use warmnet_node::p2p::{node_id_of_seed, peer_text};
use warmnet_protocol::identity::NodeKey;
use warmnet_protocol::params::Params;
use warmnet_protocol::wire::genesis::{GENESIS_VERSION, Genesis};

struct World {
    dir: tempfile::TempDir,
    zone: Zone,
    certificate: Certificate,
    /// The peer to begin with: something that listens.
    _peer: std::net::TcpListener,
}

impl World {
    async fn new() -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let key = |n: u8| NodeKey::from_seed(&[n; 32]).node_id();
        let genesis = Genesis {
            version: GENESIS_VERSION,
            name: "test".into(),
            root: key(1),
            coordinator: key(2),
            first_beacon: warmnet_protocol::ids::Beacon([3; 32]),
            clock: warmnet_protocol::time::Clock { epoch_zero_ms: 1_795_000_000_000, epoch_ms: 86_400_000 },
            params: Params::standard(),
        };
        std::fs::write(dir.path().join("genesis.bin"), genesis.encode()).expect("written");
        let peer = std::net::TcpListener::bind("127.0.0.1:0").expect("listen");
        let id = peer_text(&node_id_of_seed([2; 32]).expect("a key")).expect("a peer id");
        let bootstrap = format!("/ip4/127.0.0.1/tcp/{}/p2p/{id}", peer.local_addr().expect("address").port());

        let zone = Zone::default();
        let certificate = Certificate::new(&["imap.a.test", "smtp.a.test"]);
        ["imap.a.test", "smtp.a.test"].iter().for_each(|n| zone.a(n));
        let world = Self { dir, zone, certificate, _peer: peer };
        let genesis = world.dir.path().join("genesis.bin");
        let init = ["init", "--genesis", text(&genesis), "--bootstrap", &bootstrap, "--listen", "/ip4/127.0.0.1/tcp/0", "--allow-loopback"];
        assert!(world.run(&init, "").await.status.success());
        let toml = std::fs::read_to_string(world.home().join("node.toml")).expect("written by init");
        let dns = world.zone.serve().await;
        let toml = toml.replace("[dns]\n", &format!("[dns]\nserver = \"{dns}\"\n"));
        assert!(toml.contains(&dns.to_string()), "{toml}");
        std::fs::write(world.home().join("node.toml"), toml).expect("written");
        world
    }

    fn home(&self) -> PathBuf {
        self.dir.path().join("home")
    }

    async fn run(&self, args: &[&str], input: &str) -> Output {
        let mut child = Command::new(env!("CARGO_BIN_EXE_warmnet-node"))
            .args(args)
            .env("WARMNET_HOME", self.home())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program runs");
        // It may end without reading.
        let _ = child.stdin.take().expect("piped").write_all(input.as_bytes()).await;
        child.wait_with_output().await.expect("it ends")
    }

    async fn add(&self, address: &str, more: &[&str], password: &str) -> Output {
        let ca = self.certificate.ca_file();
        let mut args = vec!["mailbox", "add", address, "--ca-file", text(&ca), "--no-ispdb", "--consent", "read", "--password-stdin"];
        args.extend(more);
        self.run(&args, &format!("{password}\n")).await
    }

    async fn doctor(&self) -> (Option<i32>, Value) {
        let out = self.run(&["doctor", "--json"], "").await;
        let report = serde_json::from_slice(&out.stdout).unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&out.stdout)));
        (out.status.code(), report)
    }
}

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

/// The severity of a code, the worst where it stands twice.
fn severity(report: &Value, code: &str) -> String {
    let order = ["ok", "info", "warn", "critical"];
    let items = report["items"].as_array().expect("items").iter().filter(|i| i["code"] == code);
    let worst = items.filter_map(|i| order.iter().position(|s| *s == i["severity"])).max();
    worst.map_or_else(|| panic!("no {code} in {report}"), |n| order[n].to_owned())
}

#[tokio::test]
async fn a_mailbox_is_found_added_and_examined() {
    let world = World::new().await;
    let (imap, smtp) = (imap(&world.certificate, true).await, smtp(&world.certificate).await);
    world.zone.srv("_imaps._tcp.a.test", imap, "imap.a.test");
    world.zone.srv("_submissions._tcp.a.test", smtp, "smtp.a.test");

    let (code, report) = world.doctor().await;
    assert_eq!((code, severity(&report, "mailboxes")), (Some(3), "critical".to_owned()));

    let refused = world.add("me@a.test", &[], "wrong").await;
    assert_eq!(refused.status.code(), Some(5), "{}", String::from_utf8_lossy(&refused.stderr));
    assert!(!world.home().join("mailboxes/me_a.test.toml").exists(), "nothing is written when a check fails");

    let added = world.add("me@a.test", &["--json"], PASSWORD).await;
    assert!(added.status.success(), "{}", String::from_utf8_lossy(&added.stderr));
    let report: Value = serde_json::from_slice(&added.stdout).expect("JSON");
    assert_eq!((&report["found_by"], &report["junk_folder"], &report["acts"]), (&"srv".into(), &true.into(), &1.into()));
    assert_eq!((&report["imap"]["port"], &report["imap"]["address"]), (&imap.into(), &Value::Null));
    let paste = report["domain"].as_array().expect("items").iter().find(|i| i["code"] == "dmarc").expect("checked")["fix"].clone();
    assert!(paste.as_str().is_some_and(|p| p.contains("_dmarc.a.test. TXT \"v=DMARC1;")), "{report}");

    // The records are missing, so it is critical; published, it is not.
    assert_eq!(world.doctor().await.0, Some(3));
    world.zone.mx("a.test", "smtp.a.test");
    world.zone.txt("a.test", "v=spf1 mx -all");
    world.zone.txt("_dmarc.a.test", "v=DMARC1; p=none");
    world.zone.txt("mail._domainkey.a.test", "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=");
    let (code, report) = world.doctor().await;
    assert_eq!((code, report["worst"].as_str()), (Some(0), Some("warn")), "{report}");
    for fine in
        ["config", "genesis", "permissions", "secrets", "smtp", "imap", "junk_folder", "mx", "spf", "dkim", "dmarc", "listen", "bootstrap"]
    {
        assert_eq!(severity(&report, fine), "ok", "{fine}: {report}");
    }
    assert_eq!(severity(&report, "authserv_id"), "warn");
    // What is told leaves no password anywhere.
    assert!(!report.to_string().contains(PASSWORD));

    std::fs::set_permissions(world.home().join("secrets.key"), std::fs::Permissions::from_mode(0o644)).expect("set");
    let (code, report) = world.doctor().await;
    assert_eq!((code, severity(&report, "permissions"), severity(&report, "secrets")), (Some(3), "critical".into(), "critical".into()));
}

#[tokio::test]
async fn a_strange_server_gets_no_password_without_a_yes() {
    let world = World::new().await;
    let (imap, smtp) = (imap(&world.certificate, true).await, smtp(&world.certificate).await);
    world.zone.srv("_imaps._tcp.b.test", imap, "imap.a.test");
    world.zone.srv("_submissions._tcp.b.test", smtp, "smtp.a.test");
    let refused = world.add("me@b.test", &[], PASSWORD).await;
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(2), "{said}");
    assert!(said.contains("--imap-host imap.a.test --smtp-host smtp.a.test"), "{said}");
    let added = world.add("me@b.test", &["--accept-servers", "--no-domain-check"], PASSWORD).await;
    assert!(added.status.success(), "{}", String::from_utf8_lossy(&added.stderr));

    let nobody = world.add("me@nothing.test", &[], PASSWORD).await;
    assert_eq!(nobody.status.code(), Some(6));
    // What is given always wins: no search, not even where records lead elsewhere.
    let ports = [imap.to_string(), smtp.to_string()];
    let given = [
        "--imap-host",
        "imap.a.test",
        "--imap-port",
        &ports[0],
        "--smtp-host",
        "smtp.a.test",
        "--smtp-port",
        &ports[1],
        "--json",
        "--no-domain-check",
    ];
    let added = world.add("me@nothing.test", &given, PASSWORD).await;
    let report: Value = serde_json::from_slice(&added.stdout).expect("JSON");
    assert_eq!((added.status.code(), &report["found_by"]), (Some(0), &Value::Null));
}
