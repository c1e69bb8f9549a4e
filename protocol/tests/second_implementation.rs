//! A second implementation, written in Python from `docs/spec`, makes the same of the vectors: `docs/spec/check`.
#![allow(clippy::disallowed_methods)] // a test may read files and start a program; the rules may not

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn crate_folder() -> PathBuf {
    std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from)
}

/// Runs the checker over a folder of vectors.
fn check(vectors: &Path) -> Output {
    let script = crate_folder().join("../docs/spec/check/check.py");
    Command::new("python3").arg(script).arg(vectors).output().expect("python3 (make setup installs it)")
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// A copy of the vectors with one file changed; removed when dropped.
struct Changed(PathBuf);

impl Changed {
    fn new(name: &str, file: &str, change: impl FnOnce(&mut Vec<u8>)) -> Self {
        let folder = std::env::temp_dir().join(format!("warmnet-vectors-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        for entry in std::fs::read_dir(crate_folder().join("vectors")).expect("the vectors") {
            let from = entry.expect("an entry").path();
            std::fs::copy(&from, folder.join(from.file_name().expect("a name"))).expect("a copy");
        }
        let before = std::fs::read(folder.join(file)).expect("a vector");
        let mut after = before.clone();
        change(&mut after);
        assert_eq!(before.iter().zip(&after).filter(|(a, b)| a != b).count(), 1, "{name} changes one byte");
        std::fs::write(folder.join(file), after).expect("a file");
        Self(folder)
    }
}

impl Drop for Changed {
    fn drop(&mut self) {
        let _gone = std::fs::remove_dir_all(&self.0);
    }
}

/// Where the `n`-th frame of a kind begins and ends in `network.bin`.
fn frame(bytes: &[u8], kind: u8, n: usize) -> std::ops::Range<usize> {
    let mut at = 0;
    let mut left = n;
    loop {
        let size = u32::from_be_bytes([bytes[at + 1], bytes[at + 2], bytes[at + 3], bytes[at + 4]]) as usize;
        let body = at + 5..at + 5 + size;
        if bytes[at] == kind {
            if left == 0 {
                return body;
            }
            left -= 1;
        }
        at = body.end;
    }
}

#[test]
fn the_second_implementation_agrees() {
    let output = check(&crate_folder().join("vectors"));
    assert!(output.status.success(), "{}", said(&output));
    assert!(said(&output).contains("all as recorded"), "{}", said(&output));
}

#[test]
fn it_notices_one_changed_byte() {
    // Kind of frame, which of them, and a byte before its end: genesis, record, row, bundle, notice, fault.
    let places = [(1, 0, 4), (2, 3, 100), (3, 40, 9), (4, 30, 70), (5, 0, 66), (6, 0, 80)];
    for (kind, n, back) in places {
        let changed = Changed::new(&format!("frame-{kind}"), "network.bin", |bytes| {
            let at = frame(bytes, kind, n).end - back;
            bytes[at] ^= 1;
        });
        let output = check(&changed.0);
        assert_eq!(output.status.code(), Some(1), "frame kind {kind}: {}", said(&output));
        assert!(said(&output).contains("DIFFERS: "), "{}", said(&output));
    }
}

#[test]
fn it_notices_one_changed_value() {
    // File, what is told of it, and what stands before the changed byte, at its third place.
    let places = [
        ("network.json", "trust", "\"trust\":[\""),
        ("network.json", "scores", "\"scores\":[\""),
        ("network.json", "credits", "\"credits\":\""),
        ("network.json", "pairs", "\"pairs\":\"0.0:"),
        ("network.json", "counts", "\"counts\":["),
        ("wire.json", "signed input", "\"signed_input\": \""),
        ("identity.json", "member id", "\"member\": \""),
        ("rings.json", "permutation", "\"places\":["),
        ("plan.json", "parts of a deal", "[0, true, \"open\", "),
        ("transport.json", "message id", "\"id\": \""),
        ("exchange.json", "introduction", "\"at\": "),
        ("text.json", "text in", "\"digest\": \""),
    ];
    for (file, name, key) in places {
        let changed = Changed::new(name, file, |bytes| {
            let text = String::from_utf8_lossy(bytes).into_owned();
            let at = text.match_indices(key).map(|(at, _)| at + key.len()).nth(2).expect("the key stands in the file");
            let at = at + text[at..].find(|c: char| c.is_ascii_digit()).expect("a digit");
            bytes[at] = if bytes[at] == b'1' { b'2' } else { b'1' };
        });
        let output = check(&changed.0);
        assert_eq!(output.status.code(), Some(1), "{name}: {}", said(&output));
        let told = said(&output);
        assert!(told.contains(name) && told.contains("recorded: ") && told.contains("computed: "), "{told}");
    }
}

#[test]
fn it_notices_a_file_left_unread() {
    let changed = Changed::new("unread", "network.json", |bytes| {
        let last = bytes.len() - 1;
        bytes[last] = b' ';
    });
    std::fs::write(changed.0.join("more.json"), "{}").expect("a file");
    let output = check(&changed.0);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(said(&output).contains("files left unread") && said(&output).contains("more.json"), "{}", said(&output));
}
