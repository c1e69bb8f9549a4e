//! Two nodes and a coordinator on real Postfix and Dovecot over TLS: enrolment by mail, warming mail that lands in junk, is
//! read, rescued, answered in its thread and filed, old filed mail goes; nothing else is touched. Here node and emulator can't
//! agree on a mistake. Twice: maildir with folders at the top, and mdbox with folders below the inbox.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use warmnet_e2e::programs::{ask, program, run, signal};
use warmnet_e2e::rig::{Mail, PASSWORD, Rig};
use warmnet_e2e::wait_for;

/// Mail to users called junk.. is filed as junk by the server.
const MEMBERS: [(&str, &str); 2] = [("alice", "alice@a.test"), ("bob", "junkbob@b.test")];
const GOLDEN: &str = "seed@c.test";
const LIMIT: Duration = Duration::from_secs(100);

/// Running programs; killed on drop.
struct Programs(Vec<Child>);

impl Drop for Programs {
    fn drop(&mut self) {
        for child in &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// A command on a home.
fn command(binary: &str, home: &Path) -> Result<Command> {
    let mut command = Command::new(program(binary)?);
    command.env(if binary == "warmnet-node" { "WARMNET_HOME" } else { "WARMNET_COORDINATOR_HOME" }, home);
    Ok(command)
}

fn done(command: &mut Command, args: &[&str], input: &str) -> Result<String> {
    let ran = run(command.args(args), input)?;
    ensure!(ran.code == Some(0), "{args:?}: {ran:?}");
    Ok(ran.out)
}

/// An epoch is seconds long here: the owner's settings for a day don't fit.
fn hurry(settings: &Path) -> Result<()> {
    let text = std::fs::read_to_string(settings)?;
    let mut fast = text.clone();
    for (day, seconds) in [
        ("poll_seconds = 300.0", "poll_seconds = 0.3"),
        ("smtp_per_minute = 20", "smtp_per_minute = 3000"),
        ("sponsor_all = false", "sponsor_all = true"),
        ("keep_filed_days = 0", "keep_filed_days = 30"),
    ] {
        fast = fast.replace(day, seconds);
    }
    ensure!(fast != text, "{} has none of the settings", settings.display());
    std::fs::write(settings, fast).context("settings")
}

/// Sets up a coordinator with one golden mailbox and two nodes; returns their homes, the coordinator's first.
fn set_up(rig: &Rig, dir: &Path) -> Result<Vec<PathBuf>> {
    let coordinator = dir.join("coordinator");
    let listen = {
        let free = std::net::TcpListener::bind("127.0.0.1:0")?;
        format!("/ip4/127.0.0.1/tcp/{}", free.local_addr()?.port())
    };
    let init = ["init", "--name", "real", "--allow-loopback", "--epoch-seconds", "6", "--start-in", "10", "--listen", &listen];
    let printed = done(&mut command("warmnet-coordinator", &coordinator)?, &init, "")?;
    let bootstrap = printed.split_whitespace().find(|w| w.contains("/p2p/")).context("a bootstrap address")?.to_owned();
    hurry(&coordinator.join("coordinator.toml"))?;
    let password = format!("{PASSWORD}\n");
    let add = |program: &str, home: &Path, verb: &str, address: &str| -> Result<String> {
        let args = rig.mailbox_args(address);
        let args: Vec<&str> = [verb, "add"].into_iter().chain(args.iter().map(String::as_str)).collect();
        done(&mut command(program, home)?, &args, &password)
    };
    add("warmnet-coordinator", &coordinator, "golden", GOLDEN)?;
    let genesis = coordinator.join("genesis.bin");
    let genesis = genesis.to_str().context("a UTF-8 path")?.to_owned();
    let mut homes = vec![coordinator];
    for (name, address) in MEMBERS {
        let home = dir.join(name);
        let init = ["init", "--genesis", &genesis, "--bootstrap", &bootstrap, "--listen", "/ip4/127.0.0.1/tcp/0"];
        done(&mut command("warmnet-node", &home)?, &[&init[..], &["--allow-loopback", "--unlock", "key-file"]].concat(), "")?;
        hurry(&home.join("node.toml"))?;
        add("warmnet-node", &home, "mailbox", address)?;
        homes.push(home);
    }
    Ok(homes)
}

fn start(homes: &[PathBuf], logs: &Path) -> Result<Programs> {
    let mut running = Programs(Vec::new());
    for (n, home) in homes.iter().enumerate() {
        let log = std::fs::File::create(logs.join(format!("{n}.log")))?;
        let binary = if n == 0 { "warmnet-coordinator" } else { "warmnet-node" };
        let mut run = command(binary, home)?;
        running.0.push(run.arg("run").stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).spawn()?);
    }
    Ok(running)
}

/// The counters of every epoch of a node, for people.
fn counters(home: &Path) -> String {
    ask(&home.join("control.sock"), &json!({"cmd": "status"}))
        .map_or_else(|e| e.to_string(), |s| format!("{} {}", s["epochs"], s["reconciled"]))
}

/// A node's status.
fn status(home: &Path) -> Option<Value> {
    ask(&home.join("control.sock"), &json!({"cmd": "status"})).ok()
}

/// Sum of a counter over the rows of a status table.
fn total(status: &Value, table: &str, counter: &str) -> u64 {
    status[table].as_array().into_iter().flatten().filter_map(|e| e[counter].as_u64()).sum()
}

/// The last closed epoch that both know, if their digests of it are the same and both agree with the record.
fn agreed(a: &Value, b: &Value) -> Option<u64> {
    let of_b = b["closed"].as_array()?;
    a["closed"].as_array()?.iter().rev().find_map(|mine| {
        let theirs = of_b.iter().find(|t| t["closes"] == mine["closes"] && t["closes"].is_u64())?;
        let same = ["ledger", "trust", "scores"].iter().all(|d| mine[d] == theirs[d]);
        (same && mine["matches_record"] == true && theirs["matches_record"] == true).then(|| mine["closes"].as_u64())?
    })
}

/// Names of folders on the server.
struct Folders {
    own: &'static str,
    junk: &'static str,
}

#[test]
fn a_network_on_postfix_and_dovecot_with_maildir() -> Result<()> {
    let Some(rig) = Rig::start(&[("RIG_STORE", "maildir")])? else { return Ok(()) };
    exchange(&rig, &Folders { own: "Warmnet", junk: "[Gmail]/Spam" })
}

#[test]
fn a_network_on_postfix_and_dovecot_with_mdbox_and_folders_below_the_inbox() -> Result<()> {
    let Some(rig) = Rig::start(&[("RIG_STORE", "mdbox"), ("RIG_PREFIX", "INBOX.")])? else { return Ok(()) };
    exchange(&rig, &Folders { own: "INBOX.Warmnet", junk: "INBOX.Junk" })
}

/// A filed mail with a whole label that fits its Message-ID.
fn old_labelled() -> String {
    let id = format!("{:032x}.0.0011223344556677@c.test", 7);
    let label = format!("v1; n=0102030405060708; e=3; r=0.1; x={:032x}; t=0; s={}==", 7, "A".repeat(86));
    format!("From: seed@c.test\r\nSubject: old\r\nMessage-ID: <{id}>\r\nWarmnet-Exchange: {label}\r\n\r\nHello\r\n")
}

fn exchange(rig: &Rig, folders: &Folders) -> Result<()> {
    let (alice, bob) = (MEMBERS[0].1, MEMBERS[1].1);
    // The owners' other mail: one in an inbox, one in junk.
    rig.deliver_foreign("carol@c.test", alice, "foreign-inbox")?;
    rig.deliver_foreign("carol@c.test", bob, "foreign-junk")?;
    // Two months old: a filed warming mail, and one of the owner's own in the same folder.
    let day = "01-Sep-2026 10:00:00 +0000";
    rig.append(bob, folders.own, day, &old_labelled())?;
    rig.append(bob, folders.own, day, "Subject: foreign-filed\r\nMessage-ID: <o@a.test>\r\n\r\nKept here\r\n")?;
    let dir = tempfile::Builder::new().prefix("wn-e2e-").tempdir()?;
    let homes = set_up(rig, dir.path())?;
    let mut running = start(&homes, dir.path())?;
    let logs =
        || (0..homes.len()).map(|n| std::fs::read_to_string(dir.path().join(format!("{n}.log"))).unwrap_or_default()).collect::<String>();

    // Bob's mail all lands in junk: he rescues and answers, and everybody's ledger tells the same of it.
    let whole = || {
        let (a, b) = (status(&homes[1])?, status(&homes[2])?);
        let bob_did = ["spam", "rescued", "replied"].iter().all(|c| total(&b, "epochs", c) > 0);
        let told = total(&a, "reconciled", "delivered_spam") > 0 && total(&a, "reconciled", "completed") > 0;
        (total(&a, "epochs", "sent") > 0 && bob_did && told).then(|| agreed(&a, &b))?
    };
    wait_for("an exchange is reconciled and agreed on", LIMIT, whole)
        .with_context(|| format!("alice {}\nbob {}\n{}", counters(&homes[1]), counters(&homes[2]), logs()))?;
    // Filing comes last, after the reply.
    let filed = || {
        let mails = rig.mails(bob, folders.own).ok()?;
        let has = |subject: &str| mails.iter().any(|m| m.text.contains(&format!("Subject: {subject}")));
        (mails.len() > 1 && !has("old") && has("foreign-filed")).then_some(())
    };
    wait_for("the rescued mail is filed and the old one gone", LIMIT, filed)
        .with_context(|| format!("{:?}\n{}", rig.mails(bob, folders.own), logs()))?;

    for child in &running.0 {
        signal("TERM", child.id().into())?;
    }
    for child in &mut running.0 {
        let ended = wait_for("a clean stop", LIMIT, || child.try_wait().ok().flatten())?;
        ensure!(ended.success(), "{ended:?}: {}", logs());
    }
    let mut filed = rig.mails(bob, folders.own)?;
    filed.retain(|m| !m.text.contains("Subject: foreign-filed"));
    // Not every mail is opened (PROTOCOL.md, open rate), but of several epochs' some are.
    assert!(filed.iter().any(|m| m.seen), "none of {} filed mails was read", filed.len());
    for Mail { text, .. } in &filed {
        assert!(text.contains("\nWarmnet-") && text.to_lowercase().contains("auto-submitted:"), "filed mail is labelled: {text}");
    }
    // An answer of Bob's stands in the thread of a mail that Alice or the golden member sent him.
    let message_id = |text: &str| text.lines().find_map(|l| l.strip_prefix("Message-ID: ")).map(str::trim).map(str::to_owned);
    let got = [rig.mails(bob, "INBOX")?, filed].concat();
    let sent: Vec<String> = got.iter().filter_map(|m| message_id(&m.text)).collect();
    let mut answers = Vec::new();
    for (user, folder) in [alice, GOLDEN].into_iter().flat_map(|user| [(user, "INBOX"), (user, folders.own)]) {
        answers.extend(rig.mails(user, folder)?.into_iter().map(|m| m.text));
    }
    let in_thread =
        |answer: &String| sent.iter().any(|id| answer.contains(&format!("In-Reply-To: {id}")) && answer.contains("Subject: Re: "));
    assert!(answers.iter().any(in_thread), "no answer to {sent:?} among {} mails", answers.len());

    // Untouched: where it was, and unread.
    for (user, folder, subject) in
        [(alice, "INBOX", "foreign-inbox"), (bob, folders.junk, "foreign-junk"), (bob, folders.own, "foreign-filed")]
    {
        let mails = rig.mails(user, folder)?;
        let here = |m: &&Mail| m.text.lines().any(|l| l.trim_end() == format!("Subject: {subject}"));
        let mail = mails.iter().find(here).with_context(|| format!("{subject} is gone"))?;
        assert!(!mail.seen, "{subject} was marked as read");
    }
    // No address or domain in any log (the coordinator's and the nodes').
    for word in [alice, bob, GOLDEN, "a.test", "b.test", "c.test"] {
        assert!(!logs().contains(word), "{word} stands in a log");
    }
    Ok(())
}
