//! Connections that break: ten IMAP dialogues of the node's own watcher with the emulator's own server, cut behind every byte
//! that the server sends, then gone on with until everything is done.
//!
//! What must hold after each: no mail of ours is lost, no foreign mail is touched, no act is done twice, and the placement
//! of each mail is recorded once and right. Behind every second cut the node is started anew and has only its cursors; else
//! its watcher connects again by itself. 200 of the cuts are made again over TLS sockets.

#[path = "imap_cuts/dialogues.rs"]
mod dialogues;
#[path = "imap_cuts/line.rs"]
mod line;
#[path = "imap_cuts/run.rs"]
mod run;

use dialogues::Dialogue;
use run::{Common, Report, Way, play};
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use warmnet_node::mail::TlsClient;

/// Runs at a time: most of them wait half a second before they connect again.
const AT_A_TIME: usize = 400;
/// Cuts made again over TLS sockets, all dialogues together.
const OVER_TLS: usize = 200;
/// Recordings of a dialogue.
const RECORDINGS: usize = 30;
/// Times that a dialogue is played until it comes to its cut.
const TRIES: u32 = 3;
/// Problems shown of one dialogue.
const SHOWN: usize = 5;

/// Sums of a dialogue.
#[derive(Default)]
struct Row {
    cuts: u64,
    reached: u64,
    sums: Report,
}

impl Row {
    fn add(&mut self, way: Way, report: Report) {
        self.cuts += 1;
        self.reached += u64::from(report.cut);
        self.sums.lost += report.lost;
        self.sums.foreign += report.foreign;
        self.sums.doubled += report.doubled;
        self.sums.recorded_wrong += report.recorded_wrong;
        self.sums.again += report.again;
        let place = |p: String| format!("cut behind byte {}{}: {p}", way.cut_at, if way.restart { ", started anew" } else { "" });
        self.sums.problems.extend(report.problems.into_iter().map(place));
    }

    fn clean(&self) -> bool {
        self.sums.problems.is_empty() && self.sums.lost + self.sums.foreign + self.sums.doubled + self.sums.recorded_wrong == 0
    }

    fn print(&self, name: &str, bytes: usize, took: f64) {
        let s = &self.sums;
        println!(
            "{name:26} {bytes:>6} {:>6} {:>7} {:>5} {:>8} {:>8} {:>9} {:>6} {took:>7.1}",
            self.cuts, self.reached, s.lost, s.foreign, s.doubled, s.recorded_wrong, s.again
        );
        for problem in s.problems.iter().take(SHOWN) {
            println!("  {problem}");
        }
    }
}

async fn cut_all(dialogue: &Arc<Dialogue>, ways: Vec<Way>, common: &Common) -> Row {
    let slots = Arc::new(Semaphore::new(AT_A_TIME));
    let mut tasks = JoinSet::new();
    let mut row = Row::default();
    for way in ways {
        let slot = slots.clone().acquire_owned().await.expect("never closed");
        let (dialogue, common) = (dialogue.clone(), common.clone());
        tasks.spawn(async move {
            let mut report = play(&dialogue, way, &common).await;
            for _ in 1..TRIES {
                // The node was stopped before it began to wait once more, as the recorded one had.
                if report.cut || !report.problems.is_empty() {
                    break;
                }
                report = play(&dialogue, way, &common).await;
            }
            drop(slot);
            (way, report)
        });
        while let Some(done) = tasks.try_join_next() {
            let (way, report) = done.expect("no panic");
            row.add(way, report);
        }
    }
    while let Some(done) = tasks.join_next().await {
        let (way, report) = done.expect("no panic");
        row.add(way, report);
    }
    row
}

/// Bytes that the server sends until all is done. The shortest of some recordings: a node that is about to be stopped may
/// begin to wait once more.
async fn recorded(dialogue: &Dialogue, common: &Common) -> usize {
    let mut shortest = usize::MAX;
    for _ in 0..RECORDINGS {
        let whole = play(dialogue, Way { cut_at: usize::MAX, sockets: false, restart: false }, common).await;
        assert!(whole.problems.is_empty() && !whole.cut, "{} without a cut: {:?}", dialogue.name, whole.problems);
        shortest = shortest.min(whole.sent_first);
    }
    shortest
}

#[tokio::test(flavor = "multi_thread")]
async fn cut_behind_every_byte() {
    let host = "mx.alpha.test".to_owned();
    let made = warmnet_sim::provider::tls::make(vec![host.clone()]).expect("a certificate");
    let dir = tempfile::tempdir().expect("a folder");
    let ca = dir.path().join("ca.pem");
    std::fs::write(&ca, &made.ca_pem).expect("written");
    let common = Common { tls: TlsClient::new(Some(&ca)).expect("roots"), acceptor: made.acceptor, host };
    let all: Vec<Arc<Dialogue>> = dialogues::all().into_iter().map(Arc::new).collect();
    println!("dialogue                    bytes   cuts reached  lost  foreign  doubled  recorded  again seconds");
    let mut clean = true;
    let (mut total, mut lengths) = (0, Vec::new());
    for dialogue in &all {
        let begun = Instant::now();
        let bytes = recorded(dialogue, &common).await;
        let ways = (0..bytes).map(|cut_at| Way { cut_at, sockets: false, restart: cut_at % 2 == 1 }).collect();
        let row = cut_all(dialogue, ways, &common).await;
        row.print(dialogue.name, bytes, begun.elapsed().as_secs_f64());
        clean &= row.clean() && row.reached == row.cuts;
        total += row.cuts;
        lengths.push(bytes);
    }
    println!("{total} cuts in memory, behind every byte of each dialogue");
    println!("the same over TLS sockets:");
    let mut over_tls = 0;
    for (dialogue, bytes) in all.iter().zip(lengths) {
        let begun = Instant::now();
        let n = OVER_TLS / all.len();
        // Evenly over the dialogue; an odd stride meets both ways to go on.
        let ways = (0..n).map(|i| Way { cut_at: i * bytes / n, sockets: true, restart: i % 2 == 1 }).collect();
        let row = cut_all(dialogue, ways, &common).await;
        row.print(dialogue.name, bytes, begun.elapsed().as_secs_f64());
        clean &= row.clean();
        over_tls += row.cuts;
    }
    assert_eq!(over_tls, OVER_TLS as u64);
    assert!(clean, "see the table above");
}
