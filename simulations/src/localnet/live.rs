//! What people see while a network runs: in place on a terminal, appended lines elsewhere.

use crate::report::table::HEAD;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::collections::VecDeque;
use std::io::{IsTerminal, Write};

/// Rows that are redrawn; older ones stand still above them. An epoch changes until it is closed, five later.
const LIVE_ROWS: usize = 12;

struct Item {
    epoch: Option<u32>,
    text: String,
    bar: ProgressBar,
}

/// The screen.
pub struct Live {
    terminal: Option<MultiProgress>,
    /// Everything goes to standard error, because standard output carries JSON.
    errors: bool,
    items: VecDeque<Item>,
    passing: Option<ProgressBar>,
    head: bool,
}

impl Live {
    /// `json`: standard output is kept free.
    pub fn new(json: bool) -> Self {
        let is_terminal = if json { std::io::stderr().is_terminal() } else { std::io::stdout().is_terminal() };
        let target = || if json { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::stdout() };
        let terminal = is_terminal.then(|| MultiProgress::with_draw_target(target()));
        Self { terminal, errors: json, items: VecDeque::new(), passing: None, head: false }
    }

    /// A line that stays.
    pub fn say(&mut self, text: &str) {
        match &self.terminal {
            // A terminal that went away is no reason to stop.
            Some(screen) => drop(screen.println(text)),
            None => self.print(text),
        }
    }

    /// A line that the next one replaces, on a terminal.
    pub fn progress(&mut self, text: &str) {
        let Some(screen) = &self.terminal else { return self.print(text) };
        let bar = self.passing.get_or_insert_with(|| screen.add(bar()));
        bar.set_message(text.to_owned());
    }

    /// The row of an epoch: redrawn on a terminal, printed once when it is `over` elsewhere.
    pub fn row(&mut self, epoch: u32, text: &str, over: bool) {
        self.head_once();
        if self.terminal.is_none() {
            if over {
                self.print(text);
            }
            return;
        }
        match self.items.iter_mut().find(|i| i.epoch == Some(epoch)) {
            Some(item) => {
                if item.text != text {
                    text.clone_into(&mut item.text);
                    item.bar.set_message(text.to_owned());
                }
            }
            None => self.push(Some(epoch), text),
        }
    }

    /// Something that happened.
    pub fn event(&mut self, text: &str) {
        let text = format!("       > {text}");
        if self.terminal.is_none() { self.print(&text) } else { self.push(None, &text) }
    }

    fn head_once(&mut self) {
        if !self.head {
            self.head = true;
            if let Some(bar) = self.passing.take() {
                bar.finish_and_clear();
            }
            self.say(HEAD);
        }
    }

    fn push(&mut self, epoch: Option<u32>, text: &str) {
        let Some(screen) = &self.terminal else { return };
        while self.items.len() >= LIVE_ROWS {
            let Some(old) = self.items.pop_front() else { break };
            screen.remove(&old.bar);
            drop(screen.println(&old.text));
        }
        let bar = screen.add(bar());
        bar.set_message(text.to_owned());
        self.items.push_back(Item { epoch, text: text.to_owned(), bar });
    }

    /// Ends redrawing: every row stands.
    pub fn finish(&mut self) {
        if let Some(bar) = self.passing.take() {
            bar.finish_and_clear();
        }
        // From here on lines are printed as they are.
        let Some(screen) = self.terminal.take() else { return };
        for item in self.items.drain(..) {
            screen.remove(&item.bar);
            drop(screen.println(&item.text));
        }
    }

    fn print(&self, text: &str) {
        // A reader that went away (a closed pipe) is no reason to stop the run.
        let _ = if self.errors { writeln!(std::io::stderr(), "{text}") } else { writeln!(std::io::stdout(), "{text}") };
    }
}

fn bar() -> ProgressBar {
    let style = ProgressStyle::with_template("{wide_msg}").unwrap_or_else(|_| ProgressStyle::default_spinner());
    ProgressBar::new_spinner().with_style(style)
}
