//! `warmnet-sim trust`, as its user runs it.

use std::path::Path;
use std::process::{Command, Output};

/// The toy graph of the TrustRank paper; what page 7 gets is lost there, so page 8 keeps it.
const EDGES: &str = "source,target,weight\np1,p2,1\np2,p3,1\np2,p4,1\np3,p2,1\np4,p5,1\np5,p6,1\np5,p7,1\np6,p3,1\np7,p8,1\np8,p8,1\n";

fn run(dir: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_warmnet-sim")).arg("trust").args(arguments).current_dir(dir).output().expect("the test can set out")
}

fn folder() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("the test can set out");
    std::fs::write(dir.path().join("edges.csv"), EDGES).expect("the test can set out");
    std::fs::write(dir.path().join("golden.txt"), "p2\np4\n").expect("the test can set out");
    dir
}

#[test]
fn trustrank_of_a_file() {
    let dir = folder();
    for values in ["f32", "f64", "fixed"] {
        let arguments =
            ["edges.csv", "--golden", "golden.txt", "--restart", "0.15", "--steps", "20", "--values", values, "--out", "t.csv", "--json"];
        let got = run(dir.path(), &arguments);
        assert!(got.status.success(), "{}", String::from_utf8_lossy(&got.stderr));
        let figures: serde_json::Value = serde_json::from_slice(&got.stdout).unwrap();
        assert_eq!(
            (&figures["edges"], &figures["nodes"], &figures["reached"], &figures["steps"]),
            (&10.into(), &8.into(), &7.into(), &20.into())
        );
        for figure in ["read_seconds", "build_seconds", "solve_seconds", "change"] {
            assert!(figures[figure].as_f64().is_some_and(|f| f >= 0.0), "{figure}");
        }
        let text = std::fs::read_to_string(dir.path().join("t.csv")).unwrap();
        let rows: Vec<(&str, f64)> =
            text.lines().skip(1).map(|l| l.split_once(',').unwrap()).map(|(id, t)| (id, t.parse().unwrap())).collect();
        assert!(text.starts_with("id,trust\n") && rows.is_sorted_by(|a, b| a.1 >= b.1), "{text}");
        for (id, want) in [("p1", 0.0), ("p2", 0.1798), ("p3", 0.1231), ("p4", 0.1514), ("p5", 0.1289), ("p6", 0.0547), ("p7", 0.0547)] {
            let got = rows.iter().find(|r| r.0 == id).unwrap().1;
            assert!((got - want).abs() < 5e-5, "{values} {id} {got}");
        }
    }
}

#[test]
fn figures_for_people() {
    let dir = folder();
    let got = run(dir.path(), &["edges.csv", "--golden", "golden.txt", "--threads", "2", "--out", "t.parquet"]);
    let text = String::from_utf8_lossy(&got.stdout).into_owned();
    assert!(got.status.success() && text.contains("10 edges, 8 nodes, 2 golden; 7 reached"), "{text}");
    assert!(text.contains("reading") && text.contains("solving"), "{text}");
    assert_eq!(&std::fs::read(dir.path().join("t.parquet")).unwrap()[..4], b"PAR1");
}

#[test]
fn what_is_wrong_is_told_and_nothing_is_left_behind() {
    let dir = folder();
    let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
    write("negative.csv", "source,target,weight\na,b,1\nb,a,-3\n");
    write("empty.csv", "source,target,weight\n");
    write("none.txt", "# nobody yet\n");
    write("stranger.txt", "p2\nnobody\n");
    let cases: [(&[&str], &str); 13] = [
        (&["none.csv", "--golden", "golden.txt", "--out", "t.csv"], "none.csv"),
        (&["negative.csv", "--golden", "golden.txt", "--out", "t.csv"], "line 3: the weight is -3"),
        (&["empty.csv", "--golden", "golden.txt", "--out", "t.csv"], "no edges"),
        (&["edges.csv", "--golden", "stranger.txt", "--out", "t.csv"], "line 2: no edge names \"nobody\""),
        (&["edges.csv", "--golden", "golden.txt", "--restart", "0", "--out", "t.csv"], "--restart"),
        (&["edges.csv", "--golden", "golden.txt", "--threads", "0", "--out", "t.csv"], "--threads"),
        (&["edges.csv", "--golden", "golden.txt", "--tolerance", "0", "--out", "t.csv"], "--tolerance"),
        (&["edges.csv", "--golden", "golden.txt", "--out", "no/such/t.csv"], "no/such/t.csv"),
        (&["edges.csv", "--golden", "golden.txt", "--steps", "0", "--out", "t.csv"], "--steps"),
        (&["edges.csv", "--golden", "none.txt", "--out", "t.csv"], "it names no id"),
        (&["edges.csv", "--golden", "golden.txt", "--out", "."], "it is a directory"),
        (&["edges.csv", "--golden", "golden.txt", "--out", "./edges.csv"], "it is one of the files that are read"),
        (&["edges.csv", "--golden", "golden.txt", "--out", "golden.txt"], "it is one of the files that are read"),
    ];
    for (arguments, want) in cases {
        let got = run(dir.path(), arguments);
        let text = String::from_utf8_lossy(&got.stderr).into_owned();
        assert_eq!(got.status.code(), Some(2), "{text}");
        assert!(text.contains(want) && text.contains("  do: "), "{arguments:?}: {text}");
    }
    let mut left: Vec<_> = std::fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["edges.csv", "empty.csv", "golden.txt", "negative.csv", "none.txt", "stranger.txt"]);
}

#[test]
fn what_is_no_file_is_written_straight_and_a_link_stays_one() {
    let dir = folder();
    let got = run(dir.path(), &["edges.csv", "--golden", "golden.txt", "--out", "/dev/stdout"]);
    assert!(got.status.success() && got.stdout.starts_with(b"id,trust\n"), "{got:?}");
    let full = run(dir.path(), &["edges.csv", "--golden", "golden.txt", "--out", "/dev/full"]);
    let text = String::from_utf8_lossy(&full.stderr).into_owned();
    assert!(full.status.code() == Some(1) && text.contains("/dev/full can't be written") && text.contains("--out"), "{text}");

    let link = dir.path().join("link.csv");
    std::fs::create_dir(dir.path().join("deep")).unwrap();
    std::os::unix::fs::symlink("deep/t.csv", &link).unwrap();
    // The first time what it points to isn't there yet.
    for _ in 0..2 {
        assert!(run(dir.path(), &["edges.csv", "--golden", "golden.txt", "--out", "link.csv"]).status.success());
        assert!(link.is_symlink() && std::fs::read(dir.path().join("deep/t.csv")).unwrap().starts_with(b"id,trust\n"));
    }
}

#[test]
fn nothing_is_left_by_an_interrupted_run() {
    let dir = folder();
    // Edges from a pipe that nobody closes: the run is at work as soon as it has been opened.
    let pipe = dir.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    for signal in ["INT", "TERM"] {
        let program = env!("CARGO_BIN_EXE_warmnet-sim");
        let mut child = Command::new(program)
            .args(["trust", "pipe", "--golden", "golden.txt", "--out", "t.csv"])
            .current_dir(dir.path())
            .spawn()
            .unwrap();
        let _open = std::fs::OpenOptions::new().write(true).open(&pipe).unwrap();
        assert!(Command::new("kill").args([&format!("-{signal}"), &child.id().to_string()]).status().unwrap().success());
        assert_eq!(child.wait().unwrap().code(), Some(130));
    }
    let mut left: Vec<_> = std::fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["edges.csv", "golden.txt", "pipe"]);
}
