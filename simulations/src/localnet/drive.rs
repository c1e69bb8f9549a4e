//! The run itself: looks at every program, does what the schedule says, shows what happens.

use super::actions::carry_out;
use super::control::{self, QUICK};
use super::homes::Builder;
use super::live::Live;
use super::options::Options;
use super::process::Children;
use super::schedule::{self, Action};
use super::start::now_ms;
use crate::report::collect::{Cast, Observations};
use crate::report::status::{ProviderStats, Status};
use crate::report::summary::{self, EpochRow, Event};
use crate::report::table::{self, Line};
use anyhow::{Result, bail};
use serde_json::json;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// One turn of the loop: epochs are noticed this late at most.
const TICK: Duration = Duration::from_millis(100);
/// Looks at a node in an epoch: its figures of the last 40 epochs come with each.
const NODE_LOOKS: u32 = 2;
/// Looks at the coordinator in an epoch: the record that excludes somebody must not be missed.
const COORDINATOR_LOOKS: u32 = 10;
/// Epochs that are waited for the last record, after the last one played.
const PATIENCE: u32 = 2;
/// Events kept for the report.
const EVENTS: usize = 1_000;
/// Epochs whose rows still change.
const OPEN_EPOCHS: u32 = 7;

/// A run in progress.
pub struct Drive<'a> {
    options: &'a Options,
    builder: &'a Builder,
    live: &'a mut Live,
    zero_ms: u64,
    /// What was seen.
    pub seen: Observations,
    /// What happened.
    pub events: Vec<Event>,
    /// When the bad apple was listed.
    pub listed: Option<u32>,
    notes: BTreeMap<u32, Vec<String>>,
    targets: Vec<Target>,
    looks: JoinSet<(usize, Option<Status>)>,
    doing: JoinSet<(u32, Action, Result<String>)>,
    enrolled: usize,
    told_excluded: bool,
}

/// A program that is looked at; 0 is the coordinator.
struct Target {
    control: std::path::PathBuf,
    every: Duration,
    next: Instant,
    busy: bool,
}

impl<'a> Drive<'a> {
    /// A run of the network made by `builder`.
    pub fn new(options: &'a Options, builder: &'a Builder, live: &'a mut Live, zero_ms: u64) -> Self {
        let members = &builder.layout.members;
        let cast = Cast {
            nodes: members.iter().map(|m| m.name.clone()).collect(),
            domains: members.iter().map(|m| m.domain.clone()).collect(),
            bad: Some(super::layout::BAD_APPLE),
        };
        let now = Instant::now();
        let target = |name: &str, looks: u32, late: Duration| Target {
            control: builder.layout.control(name),
            every: options.epoch() / looks,
            next: now + late,
            busy: false,
        };
        let mut targets = vec![target("coordinator", COORDINATOR_LOOKS, Duration::ZERO)];
        let spread = options.epoch() / NODE_LOOKS / u32::try_from(members.len()).unwrap_or(1).max(1);
        let mut late = Duration::ZERO;
        for member in members {
            targets.push(target(&member.name, NODE_LOOKS, late));
            late += spread;
        }
        Self {
            options,
            builder,
            live,
            zero_ms,
            seen: Observations::new(cast),
            events: Vec::new(),
            listed: None,
            notes: BTreeMap::new(),
            targets,
            looks: JoinSet::new(),
            doing: JoinSet::new(),
            enrolled: 0,
            told_excluded: false,
        }
    }

    fn epoch(&self) -> Option<u32> {
        let ms = now_ms().checked_sub(self.zero_ms)?;
        u32::try_from(ms / (u64::from(self.options.epoch_seconds) * 1_000)).ok()
    }

    /// Runs all epochs and waits for the last record.
    ///
    /// # Errors
    /// The emulator ended: without mail there is nothing left to see.
    pub async fn run(&mut self, children: &mut Children) -> Result<()> {
        let mut current = None;
        let last = self.options.epochs;
        loop {
            for (name, how) in children.ended().await {
                self.event(current, format!("{name} ended: {how}"));
                if name == "provider" {
                    bail!("the mail-provider emulator ended: {how}");
                }
            }
            let epoch = self.epoch();
            if epoch != current {
                self.turn(current, epoch).await;
                current = epoch;
            }
            self.look();
            self.collect(current);
            if let Some(epoch) = current {
                self.draw(epoch);
                if epoch >= last && (self.seen.all_derived(last) || epoch >= last + PATIENCE) {
                    break;
                }
            }
            tokio::time::sleep(TICK).await;
        }
        self.last_look().await;
        Ok(())
    }

    /// An epoch ends, another begins.
    async fn turn(&mut self, before: Option<u32>, now: Option<u32>) {
        let stats = control::ask::<ProviderStats>(&self.builder.layout.control("provider"), &json!({"cmd": "stats"}), QUICK).await;
        match stats {
            Ok(stats) => self.seen.provider_said(before, stats),
            Err(e) => self.event(before, format!("the emulator gives no figures: {e}")),
        }
        if let Some(epoch) = before.filter(|e| *e < self.options.epochs) {
            let line = self.line(epoch);
            self.live.row(epoch, &line, true);
        }
        if let Some(epoch) = now.filter(|e| *e < self.options.epochs) {
            for action in schedule::at(self.options, epoch) {
                let builder = self.builder.clone();
                self.doing.spawn(async move {
                    let done = carry_out(&builder, &action).await;
                    (epoch, action, done)
                });
            }
        }
    }

    /// Asks those programs whose turn it is.
    fn look(&mut self) {
        let now = Instant::now();
        for (index, target) in self.targets.iter_mut().enumerate().filter(|(_, t)| !t.busy && t.next <= now) {
            target.busy = true;
            target.next = now + target.every;
            let control = target.control.clone();
            self.looks.spawn(async move { (index, control::ask(&control, &json!({"cmd": "status"}), QUICK).await.ok()) });
        }
    }

    fn take(&mut self, index: usize, status: Option<Status>) {
        if let Some(target) = self.targets.get_mut(index) {
            target.busy = false;
        }
        match (index, status) {
            (0, Some(status)) => self.seen.coordinator_said(status),
            (_, Some(status)) => self.seen.node_said(index - 1, status),
            // A dead or busy program is asked again.
            (_, None) => {}
        }
    }

    fn collect(&mut self, epoch: Option<u32>) {
        while let Some(done) = self.looks.try_join_next() {
            if let Ok((index, status)) = done {
                self.take(index, status);
            }
        }
        while let Some(done) = self.doing.try_join_next() {
            if let Ok((started, action, outcome)) = done {
                self.acted(started, &action, outcome);
            }
        }
        let enrolled = self.seen.enrolled();
        if enrolled > self.enrolled {
            self.enrolled = enrolled;
            let text = format!("enrolled {enrolled}/{}", self.options.members);
            if epoch.is_none() {
                self.live.progress(&text)
            } else if enrolled == self.options.members {
                self.event(epoch, text)
            }
        }
        if let (Some(record), false) = (self.seen.excluded(), self.told_excluded) {
            self.told_excluded = true;
            self.notes.entry(record).or_default().push("excluded".to_owned());
            let name = self.builder.layout.members[super::layout::BAD_APPLE].name.clone();
            self.event(epoch, format!("record {record} excludes {name}: quarantined"));
        }
    }

    fn acted(&mut self, epoch: u32, action: &Action, outcome: Result<String>) {
        match (action, outcome) {
            (_, Err(e)) => self.event(Some(epoch), format!("failed: {e:#}")),
            (Action::List { .. }, Ok(text)) => {
                self.listed = Some(epoch);
                self.notes.entry(epoch).or_default().push("listed".to_owned());
                self.event(Some(epoch), text);
            }
            (Action::Civilians { .. }, Ok(text)) => self.event(Some(epoch), text),
            // Every epoch the same: told once.
            (Action::External { .. }, Ok(text)) => {
                if epoch == schedule::bad_from(self.options.epochs) {
                    self.event(Some(epoch), format!("bad apple: {text}"));
                }
            }
        }
    }

    fn event(&mut self, epoch: Option<u32>, text: String) {
        self.live.event(&text);
        if self.events.len() < EVENTS {
            self.events.push(Event { epoch, text });
        }
    }

    fn line(&self, epoch: u32) -> String {
        let row: EpochRow = summary::row(&self.seen, epoch);
        let notes = self.notes.get(&epoch).cloned().unwrap_or_default();
        table::row(&Line::of(&self.seen, row, notes))
    }

    fn draw(&mut self, epoch: u32) {
        let end = (epoch + 1).min(self.options.epochs);
        for shown in end.saturating_sub(OPEN_EPOCHS)..end {
            let line = self.line(shown);
            self.live.row(shown, &line, false);
        }
    }

    /// The last figures of everybody.
    async fn last_look(&mut self) {
        while let Some(done) = self.doing.join_next().await {
            if let Ok((started, action, outcome)) = done {
                self.acted(started, &action, outcome);
            }
        }
        self.looks.shutdown().await;
        for index in 0..self.targets.len() {
            let status = control::ask(&self.targets[index].control, &json!({"cmd": "status"}), QUICK).await.ok();
            self.take(index, status);
        }
        let stats = control::ask::<ProviderStats>(&self.builder.layout.control("provider"), &json!({"cmd": "stats"}), QUICK).await;
        match stats {
            Ok(stats) => self.seen.provider_said(None, stats),
            Err(e) => self.event(None, format!("the emulator gives no figures: {e}")),
        }
    }
}
