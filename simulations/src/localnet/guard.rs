//! A small process that outlives its parent by a moment: it is told the ids of the children, and when its standard
//! input ends without a word of farewell (the parent was killed) it ends them, so that no child is left behind.

use std::collections::BTreeSet;
use std::io::BufRead;
use std::process::Command;
use std::time::{Duration, Instant};

/// Name of the hidden subcommand.
pub const COMMAND: &str = "guard";
/// Children at most.
const CHILDREN: usize = 1_000;
/// Time between the polite and the other signal.
const GRACE: Duration = Duration::from_secs(5);

/// Which children live: `+12` was started, `-12` has ended, `bye` all is well.
#[derive(Debug, Default)]
struct Wards {
    ids: BTreeSet<u32>,
    farewell: bool,
}

impl Wards {
    fn hear(&mut self, line: &str) {
        let line = line.trim();
        match (line, line.get(1..).and_then(|id| id.parse().ok())) {
            ("bye", _) => self.farewell = true,
            (l, Some(id)) if l.starts_with('+') && self.ids.len() < CHILDREN => {
                self.ids.insert(id);
            }
            (l, Some(id)) if l.starts_with('-') => {
                self.ids.remove(&id);
            }
            _ => {}
        }
    }
}

fn signal(name: &str, ids: &BTreeSet<u32>) -> bool {
    let list: Vec<String> = ids.iter().map(u32::to_string).collect();
    let script = format!("kill -{name} {} 2>/dev/null", list.join(" "));
    Command::new("/bin/sh").arg("-c").arg(script).status().is_ok_and(|s| s.success())
}

/// Whether one of them lives: `kill -0` sends nothing.
fn alive(ids: &BTreeSet<u32>) -> bool {
    ids.iter().any(|id| signal("0", &BTreeSet::from([*id])))
}

/// Runs until standard input ends.
pub fn run(input: impl BufRead) {
    let mut wards = Wards::default();
    for line in input.lines() {
        let Ok(line) = line else { break };
        wards.hear(&line);
    }
    if wards.farewell || wards.ids.is_empty() {
        return;
    }
    signal("TERM", &wards.ids);
    let end = Instant::now() + GRACE;
    while Instant::now() < end && alive(&wards.ids) {
        std::thread::sleep(Duration::from_millis(100));
    }
    signal("KILL", &wards.ids);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_knows_who_lives() {
        let mut wards = Wards::default();
        for line in ["+12", "+13", "-12", "+x", "", "é"] {
            wards.hear(line);
        }
        assert_eq!(wards.ids.iter().copied().collect::<Vec<_>>(), [13]);
        assert!(!wards.farewell);
        wards.hear("bye");
        assert!(wards.farewell);
    }

    #[test]
    fn orphans_are_ended_and_others_are_not() {
        let mut orphan = Command::new("sleep").arg("60").spawn().expect("sleep starts");
        let mut other = Command::new("sleep").arg("60").spawn().expect("sleep starts");
        run(format!("+{}\n", orphan.id()).as_bytes());
        let status = orphan.wait().expect("ended");
        assert!(!status.success());
        run(format!("+{}\nbye\n", other.id()).as_bytes());
        assert!(other.try_wait().expect("known").is_none(), "still running");
        other.kill().expect("killed");
        other.wait().expect("reaped");
    }
}
