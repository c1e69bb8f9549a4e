//! `content lint` as a person runs it, and every shipped text judged by a real SpamAssassin.

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The longest that spamd may take to start on a busy machine.
const LIMIT: Duration = Duration::from_secs(60);

fn warmnet(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_warmnet-node")).args(args).output().expect("warmnet-node runs")
}

/// A spamd of this test: local rules only, nothing learnt, nothing kept.
struct Spamd {
    child: Child,
    at: String,
    _dir: TempDir,
}

impl Spamd {
    /// Starts it. Without it on this machine: a failure under CI, else `None` and a loud line.
    fn start() -> Option<Self> {
        let program = PathBuf::from("/usr/sbin/spamd");
        if !program.exists() {
            assert!(std::env::var("CI").as_deref() != Ok("true"), "no spamd: install the package spamd");
            eprintln!("SKIPPED: no text was judged by SpamAssassin; install the package spamd");
            return None;
        }
        let dir = TempDir::new().expect("temporary folder");
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|l| l.local_addr()).expect("a free port").port();
        let mut command = Command::new(program);
        command.args(["-L", "-x", "-i", "127.0.0.1", "-p", &port.to_string(), "-m", "4", "--cf=use_bayes 0", "-s", "stderr"]);
        command.arg("-H").arg(dir.path()).env("LC_ALL", "C").env("HOME", dir.path());
        if runs_as_root() {
            // It does not judge mails as root.
            command.args(["-u", "nobody"]);
            let owner = Command::new("chown").arg("nobody").arg(dir.path()).status().expect("chown runs");
            assert!(owner.success());
        }
        let log = std::fs::File::create(dir.path().join("log")).expect("log");
        let child = command.stdout(Stdio::null()).stderr(log).spawn().expect("spamd starts");
        let mut spamd = Self { child, at: format!("127.0.0.1:{port}"), _dir: dir };
        let begun = Instant::now();
        while TcpStream::connect(&spamd.at).is_err() {
            assert!(spamd.child.try_wait().expect("waits").is_none() && begun.elapsed() < LIMIT, "spamd did not start: {}", spamd.log());
            std::thread::sleep(Duration::from_millis(50));
        }
        Some(spamd)
    }
    fn log(&self) -> String {
        std::fs::read_to_string(self._dir.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Spamd {
    fn drop(&mut self) {
        // TERM, so that it ends its children too.
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let _ = self.child.wait();
    }
}

fn runs_as_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|m| std::os::unix::fs::MetadataExt::uid(&m) == 0)
}

/// A bank in which one turn speaks like an advertisement.
fn spoilt(dir: &Path) -> PathBuf {
    let bank = warmnet_protocol::exchange::text::source(0).expect("English");
    let file = dir.join("spoilt_en.txt");
    std::fs::write(&file, bank.replacen("I have read", "Visit http://x.example NOW", 1)).expect("writes");
    file
}

#[test]
fn the_shipped_banks_have_nothing_to_correct() {
    let out = warmnet(&["content", "lint"]);
    assert_eq!(out.status.code(), Some(0), "{}", String::from_utf8_lossy(&out.stdout));
    assert!(String::from_utf8_lossy(&out.stdout).contains("nothing to correct"));
}

#[test]
fn a_fault_is_told_with_file_and_line_and_exit_code_3() {
    let dir = TempDir::new().expect("temporary folder");
    let file = spoilt(dir.path());
    let out = warmnet(&["content", "lint", &file.to_string_lossy()]);
    assert_eq!(out.status.code(), Some(3));
    let told = String::from_utf8_lossy(&out.stdout).into_owned();
    assert!(told.contains(&format!("{}:5: link: ", file.display())), "{told}");
    let out = warmnet(&["--json", "content", "lint", &file.to_string_lossy()]);
    let first: serde_json::Value = serde_json::Deserializer::from_slice(&out.stdout).into_iter().next().expect("a value").expect("JSON");
    assert_eq!(first["findings"][0]["line"], 5);
    let out = warmnet(&["content", "lint", "--language", "xx", &file.to_string_lossy()]);
    assert_eq!(out.status.code(), Some(2));
}

#[test]
fn a_thread_is_shown_with_all_its_turns() {
    for language in ["en", "de", "fr", "es"] {
        let out = warmnet(&["content", "show", "--language", language, "--seed", "5", "--json"]);
        let shown: serde_json::Value = serde_json::from_slice(&out.stdout).expect("JSON");
        assert_eq!(shown["turns"].as_array().map(Vec::len), Some(5), "{shown}");
    }
}

/// Every turn of every thread of every language. No rule is ignored: the mails carry what a received mail carries.
#[test]
fn spamassassin_has_nothing_against_any_text() {
    let Some(spamd) = Spamd::start() else { return };
    let out = warmnet(&["content", "lint", "--spamd", &spamd.at]);
    let table = String::from_utf8_lossy(&out.stdout);
    println!("{table}");
    assert_eq!(out.status.code(), Some(0), "{table}\n{}", String::from_utf8_lossy(&out.stderr));
}

/// That it looks at the mails at all: words it does dislike are found.
#[test]
fn spamassassin_finds_what_the_linter_lets_pass() {
    let Some(spamd) = Spamd::start() else { return };
    let dir = TempDir::new().expect("temporary folder");
    let bank = warmnet_protocol::exchange::text::source(0).expect("English");
    let file = dir.path().join("spoilt_en.txt");
    let words = "Dear friend, I am the son of the late president and need your assistance to transfer the sum of twenty million to a foreign \
        partner as the next of kin of the deceased. This transaction is confidential and without risk, the fund is in a security company";
    std::fs::write(&file, bank.replacen("\n----\n", &format!("\n----\n{words}. "), 1)).expect("writes");
    let out = warmnet(&["content", "lint", "--spamd", &spamd.at, &file.to_string_lossy()]);
    assert_eq!(out.status.code(), Some(3), "{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
    assert!(String::from_utf8_lossy(&out.stdout).contains("thread 1, turn 0"));
}
