//! `content`: what warming mails say, and whether a bank of texts is fit to be sent.

mod mails;
mod spamd;

use super::Global;
use super::exit::{CliError, ExitCode};
use super::out::say;
use clap::{Args, Subcommand};
use spamd::Checked;
use std::collections::BTreeMap;
use std::path::PathBuf;
use warmnet_protocol::exchange::text::{LANGUAGES, lint, sample, source, thread_count};

/// Verbs of `content`.
#[derive(Subcommand)]
pub(super) enum ContentVerb {
    /// Check banks of texts: the shipped ones, or files. Exit code 3 when something is to be corrected
    #[command(after_help = "Examples:\n  warmnet-node content lint\n  warmnet-node content lint my_bank_de.txt\n  \
                            warmnet-node content lint --spamd 127.0.0.1:783")]
    Lint(LintArgs),
    /// Show one thread with all its turns
    #[command(after_help = "Example:\n  warmnet-node content show --language de --seed 7")]
    Show(ShowArgs),
}

/// Options of `content lint`.
#[derive(Args)]
pub(super) struct LintArgs {
    /// Also have SpamAssassin judge a mail of every turn: address of its spamd
    #[arg(long, value_name = "HOST:PORT")]
    spamd: Option<String>,
    /// Language of the files [default: from a name that ends in _de.txt]
    #[arg(long)]
    language: Option<String>,
    /// Banks to check [default: the shipped ones]
    files: Vec<PathBuf>,
}

/// Options of `content show`.
#[derive(Args)]
pub(super) struct ShowArgs {
    /// en, de, fr or es
    #[arg(long, default_value = "en")]
    language: String,
    /// Another number, another thread
    #[arg(long, default_value_t = 0)]
    seed: u64,
}

/// A bank under check.
struct Bank {
    name: String,
    language: u8,
    source: String,
}

pub(super) fn content(global: &Global, verb: ContentVerb) -> Result<(), CliError> {
    match verb {
        ContentVerb::Lint(args) => run_lint(global, &args),
        ContentVerb::Show(args) => show(global, &args),
    }
}

fn code(language: &str) -> Result<u8, CliError> {
    LANGUAGES.iter().position(|l| *l == language).and_then(|n| u8::try_from(n).ok()).ok_or_else(|| {
        CliError::new(ExitCode::Usage, format!("there is no language \"{language}\"")).todo(format!("use one of {}", LANGUAGES.join(", ")))
    })
}

fn banks(args: &LintArgs) -> Result<Vec<Bank>, CliError> {
    if args.files.is_empty() {
        let shipped = (0u8..).zip(LANGUAGES).filter(|(_, name)| args.language.as_deref().is_none_or(|l| l == *name));
        let banks: Vec<Bank> = shipped
            .filter_map(|(language, name)| Some(Bank { name: format!("bank_{name}.txt"), language, source: source(language)?.to_owned() }))
            .collect();
        return if banks.is_empty() { code(args.language.as_deref().unwrap_or_default()).map(|_| banks) } else { Ok(banks) };
    }
    args.files
        .iter()
        .map(|file| {
            let source = std::fs::read_to_string(file).map_err(|e| {
                CliError::new(ExitCode::Usage, format!("{} can't be read", file.display())).why(e).todo("name a text file in UTF-8")
            })?;
            let stem = file.file_stem().unwrap_or_default().to_string_lossy();
            let language =
                args.language.as_deref().or_else(|| LANGUAGES.into_iter().find(|l| stem.ends_with(&format!("_{l}")))).ok_or_else(|| {
                    CliError::new(ExitCode::Usage, format!("the language of {} is unknown", file.display()))
                        .why("its name does not end in _en, _de, _fr or _es")
                        .todo("name it with --language")
                })?;
            Ok(Bank { name: file.display().to_string(), language: code(language)?, source })
        })
        .collect()
}

fn run_lint(global: &Global, args: &LintArgs) -> Result<(), CliError> {
    let banks = banks(args)?;
    let findings: Vec<_> =
        banks.iter().flat_map(|b| lint::lint(&b.source, b.language).into_iter().map(move |f| (b.name.as_str(), f))).collect();
    let checked = match &args.spamd {
        // A bank with faults has turns that give no mail.
        Some(at) if findings.is_empty() => Some(check_by_spamd(at, &banks)?),
        _ => None,
    };
    let over = checked.iter().flatten().filter(|c| c.positive() > spamd::LIMIT).count();
    let faults = findings.len() + over;
    if global.json {
        let told: Vec<_> = findings
            .iter()
            .map(|(file, f)| serde_json::json!({"file": file, "line": f.line, "rule": f.rule.name(), "what": f.what}))
            .collect();
        let mails: Option<Vec<_>> = checked.as_ref().map(|all| all.iter().map(Checked::json).collect());
        say!("{}", serde_json::json!({"findings": told, "mails": mails}));
    } else {
        findings.iter().for_each(|(file, f)| say!("{file}:{}: {}: {}", f.line, f.rule, f.what));
        if let Some(checked) = &checked {
            table(checked);
        }
        if faults == 0 {
            let threads: usize = banks.iter().map(|b| thread_count(&b.source)).sum();
            say!("{} banks, {threads} threads: nothing to correct", banks.len());
        }
    }
    if faults == 0 {
        return Ok(());
    }
    let why = format!("{} findings, {over} mails over {} points", findings.len(), spamd::LIMIT);
    Err(CliError::new(ExitCode::Check, "the texts can't be sent like this").why(why).todo("correct the lines named above"))
}

fn check_by_spamd(at: &str, banks: &[Bank]) -> Result<Vec<Checked>, CliError> {
    let mails = banks.iter().map(|b| mails::of(&b.source, b.language)).collect::<Result<Vec<_>, _>>().map_err(|e| {
        CliError::new(ExitCode::Error, "a mail of the bank can't be written")
            .why(e)
            .todo("this is a fault of the program: please report it")
    })?;
    spamd::check_all(at, mails.into_iter().flatten().collect()).map_err(|e| {
        CliError::new(ExitCode::Network, format!("spamd at {at} did not judge the mails"))
            .why(e)
            .todo("start it, such as `spamd -L -i 127.0.0.1 -p 7830`, and name its address")
    })
}

/// Points by language and by rule, and every mail that is over the limit.
fn table(checked: &[Checked]) {
    say!("{:<10}{:>7}{:>12}{:>10}", "language", "mails", "worst sum", "over");
    for (code, name) in (0u8..).zip(LANGUAGES) {
        let of: Vec<f64> = checked.iter().filter(|c| c.mail.language == code).map(Checked::positive).collect();
        if !of.is_empty() {
            let worst = of.iter().copied().fold(0.0, f64::max);
            say!("{name:<10}{:>7}{worst:>12.1}{:>10}", of.len(), of.iter().filter(|p| **p > spamd::LIMIT).count());
        }
    }
    let mut rules: BTreeMap<&str, (f64, usize)> = BTreeMap::new();
    for (rule, points) in checked.iter().flat_map(|c| &c.rules) {
        let entry = rules.entry(rule).or_insert((*points, 0));
        entry.1 += 1;
    }
    say!("\n{:<34}{:>7}{:>7}", "rule", "points", "mails");
    rules.iter().for_each(|(rule, (points, mails))| say!("{rule:<34}{points:>7.1}{mails:>7}"));
    say!("");
    for c in checked.iter().filter(|c| c.positive() > spamd::LIMIT) {
        let rules: Vec<String> = c.rules.iter().filter(|r| r.1 > 0.0).map(|(rule, points)| format!("{rule} {points:.1}")).collect();
        let language = LANGUAGES[usize::from(c.mail.language)];
        say!("bank_{language}.txt: thread {}, turn {}: {:.1}: {}", c.mail.thread + 1, c.mail.turn, c.positive(), rules.join(", "));
    }
}

fn show(global: &Global, args: &ShowArgs) -> Result<(), CliError> {
    let language = code(&args.language)?;
    let bank = source(language).unwrap_or_default();
    let count = thread_count(bank).max(1);
    let thread = usize::try_from(args.seed % count as u64).unwrap_or_default();
    let mut seed = [0; 16];
    seed[8..].copy_from_slice(&args.seed.to_be_bytes());
    let mails: Vec<_> = (0u8..).map_while(|turn| sample(bank, language, thread, turn, &seed)).collect();
    if global.json {
        let turns: Vec<_> = mails.iter().map(|m| serde_json::json!({"subject": m.subject, "text": m.body})).collect();
        say!("{}", serde_json::json!({"language": args.language, "thread": thread + 1, "of": count, "turns": turns}));
    } else {
        mails.iter().for_each(|m| say!("Subject: {}\n\n{}", m.subject, m.body));
    }
    Ok(())
}
