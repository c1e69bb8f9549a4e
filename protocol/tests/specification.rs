//! `docs/spec` and the code name the same: rules and the tests that hold them, parameters, fields of messages.
#![allow(clippy::disallowed_methods)] // a test may read files; the rules may not

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use warmnet_protocol::params::Params;
use warmnet_protocol::params::ranges::RANGES;

fn crate_folder() -> PathBuf {
    std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from)
}

fn text(path: PathBuf) -> String {
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// The numbered pages, by name.
fn pages() -> BTreeMap<String, String> {
    let folder = crate_folder().join("../docs/spec");
    let entries = std::fs::read_dir(folder).expect("the specification").map(|e| e.expect("an entry").path());
    let numbered = entries.filter(|p| p.extension().is_some_and(|e| e == "md") && !p.ends_with("README.md"));
    numbered.map(|p| (p.file_name().expect("a name").to_string_lossy().into_owned(), text(p))).collect()
}

/// Each rule of a page: its id and everything up to the next rule or paragraph.
fn rules(page: &str) -> Vec<(String, String)> {
    let mut out: Vec<(String, String)> = Vec::new();
    let mut open = false;
    for line in page.lines() {
        if let Some(rest) = line.strip_prefix("- **R-") {
            let (id, body) = rest.split_once("** ").expect("a rule has a number and a text");
            out.push((format!("R-{id}"), body.to_owned()));
            open = true;
        } else if line.starts_with("  ") && open {
            let rule = &mut out.last_mut().expect("an open rule").1;
            rule.push(' ');
            rule.push_str(line);
        } else {
            open = false;
        }
    }
    out
}

/// Whether a file holds a test function of this name.
fn holds_test(source: &str, name: &str) -> bool {
    let at = source.find(&format!("fn {name}(")).unwrap_or(0);
    // Between its attribute and its name stand only attributes and `async`; in a property test the same. A test that nobody runs
    // holds nothing.
    let before = &source[..at];
    let mark = before.rfind("#[test]").max(before.rfind("#[tokio::test"));
    let above = |mark: usize| before[..mark].lines().next_back().unwrap_or_default();
    let runs = |mark: usize| !before[mark..].contains("ignore") && !above(mark).contains("#[ignore");
    mark.is_some_and(|mark| !before[mark..].contains("fn ") && runs(mark))
}

#[test]
fn a_test_that_nobody_runs_is_no_citation() {
    let source = "#[test]\nfn a() {}\n#[test]\n#[ignore = \"slow\"]\nfn b() {}\n#[ignore]\n#[test]\nfn c() {}\nfn d() {}\n#[tokio::test]\nasync fn e() {}";
    assert_eq!(["a", "b", "c", "d", "e", "f"].map(|name| holds_test(source, name)), [true, false, false, false, true, false]);
}

#[test]
fn each_rule_names_tests_that_exist() {
    let mut cited = 0;
    for (page, content) in pages() {
        for (id, body) in rules(&content) {
            let tests: Vec<(&str, &str)> = body.split('`').filter_map(|quoted| quoted.split_once(".rs::")).collect();
            assert!(!tests.is_empty(), "{page}: {id} names no test");
            for (file, name) in tests {
                let path = [crate_folder().join("..").join(format!("{file}.rs")), crate_folder().join(format!("{file}.rs"))];
                let source =
                    path.into_iter().find(|p| p.is_file()).unwrap_or_else(|| panic!("{page}: {id} names {file}.rs, which is not there"));
                assert!(holds_test(&text(source), name), "{page}: {id} names {file}.rs::{name}, which is no test");
                cited += 1;
            }
        }
    }
    assert!(cited > 150, "{cited}");
}

#[test]
fn rules_are_numbered_in_turn_and_the_index_knows_their_pages() {
    let index = text(crate_folder().join("../docs/spec/README.md"));
    let mut prefixes = BTreeSet::new();
    for (page, content) in pages() {
        let rules = rules(&content);
        let prefix = rules.first().map(|(id, _)| id.rsplit_once('-').expect("a number").0.to_owned()).expect("a page has rules");
        for (n, (id, _)) in (1..).zip(&rules) {
            assert_eq!(*id, format!("{prefix}-{n}"), "{page}");
        }
        assert!(index.contains(&format!("[{page}]({page}) | {prefix} |")), "the index lists {page} with {prefix}");
        assert!(prefixes.insert(prefix), "{page} has a prefix of its own");
        // A rule that another page names is there.
        for word in content.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-')).filter(|w| w.starts_with("R-")) {
            let known = pages().values().any(|p| p.contains(&format!("- **{word}** ")));
            assert!(known, "{page} names {word}, which is no rule");
        }
    }
    assert_eq!(prefixes.len(), 13);
}

/// Rows of the first table behind a heading, as cells.
fn table(content: &str, heading: &str) -> Option<Vec<Vec<String>>> {
    let from = content.split(&format!("\n{heading}\n")).nth(1)?;
    let section = from.split("\n#").next()?;
    let rows = section.lines().filter(|l| l.starts_with('|')).skip(2);
    Some(rows.map(|l| l.trim_matches('|').split('|').map(|c| c.trim().trim_matches('`').to_owned()).collect()).collect())
}

#[test]
fn the_parameters_are_the_standard_ones() {
    let Value::Object(standard) = serde_json::to_value(Params::standard()).expect("plain data") else { panic!("a struct") };
    let rows = table(&pages()["00-conventions.md"], "## Parameters").expect("the table");
    let named: BTreeMap<String, String> = rows.iter().map(|r| (r[0].clone(), r[1].replace(',', ""))).collect();
    let wanted: BTreeMap<String, String> = standard.into_iter().map(|(k, v)| (k, v.to_string())).collect();
    assert_eq!(named, wanted);
    let ranges: Vec<[String; 3]> = rows.iter().map(|r| [0, 2, 3].map(|n| r[n].replace(',', ""))).collect();
    assert_eq!(ranges, RANGES.iter().map(|r| [r.name.to_owned(), r.lowest.to_string(), r.highest.to_string()]).collect::<Vec<_>>());
    // The wire order is the order of the table: each field's place in the source is behind the one before.
    let source = text(crate_folder().join("src/params.rs"));
    let places: Vec<usize> = rows.iter().map(|r| source.find(&format!("pub {}: u32", r[0])).expect("a field")).collect();
    assert!(places.windows(2).all(|w| w[0] < w[1]));
}

/// Every constant of `limits.rs` and its value: products of numbers and of other constants.
fn limits() -> Vec<(String, u64)> {
    let source = text(crate_folder().join("src/limits.rs"));
    let constants = source.split("\npub const ").skip(1).filter_map(|rest| rest.split_once(';'));
    let one = |(constant, _): (&str, &str)| {
        let (name, rest) = constant.split_once(':').expect("a type");
        (name.to_owned(), rest.split_once('=').expect("a value").1.replace("as usize", ""))
    };
    let written: Vec<(String, String)> = constants.map(one).collect();
    fn value(of: &str, written: &[(String, String)]) -> u64 {
        let factor = |word: &str| {
            let number = word.trim().replace('_', "").parse().ok();
            let named = || written.iter().find(|(name, _)| name == word.trim()).map(|(_, of)| value(of, written));
            number.or_else(named).unwrap_or_else(|| panic!("{word} is no number"))
        };
        of.split('*').map(factor).product()
    }
    written.iter().map(|(name, of)| (name.clone(), value(of, &written))).collect()
}

#[test]
fn the_limits_are_those_of_the_code() {
    let rows = table(&pages()["00-conventions.md"], "## Limits").expect("the table");
    assert!(rows.iter().all(|r| matches!(r[2].as_str(), "everybody" | "a node")), "whom each binds");
    let named: Vec<(String, u64)> = rows.iter().map(|r| (r[0].clone(), r[1].replace(',', "").parse().expect("a number"))).collect();
    assert_eq!(named, limits());
}

/// The vectors of the wire.
fn wire() -> Value {
    serde_json::from_str(&text(crate_folder().join("vectors/wire.json"))).expect("JSON")
}

fn words(value: &Value) -> Vec<String> {
    value.as_array().expect("a list").iter().map(|v| v.as_str().expect("text").to_owned()).collect()
}

/// What stands first in each path, once, in order; and what stands behind `first` in its paths.
fn heads(paths: &[String]) -> Vec<String> {
    let mut out: Vec<String> = paths.iter().map(|p| p.split('.').next().unwrap_or_default().to_owned()).collect();
    out.dedup();
    out
}

fn behind(paths: &[String], first: &str) -> Vec<String> {
    let inner: Vec<String> = paths.iter().filter_map(|p| p.strip_prefix(first)?.strip_prefix('.').map(str::to_owned)).collect();
    heads(&inner)
}

/// Names in backquotes, what stands in brackets left out.
fn quoted(cells: &[String]) -> Vec<String> {
    let (mut text, mut depth) = (String::new(), 0);
    for c in cells.join(" | ").chars() {
        depth += i32::from(c == '(');
        if depth == 0 {
            text.push(c);
        }
        depth -= i32::from(c == ')');
    }
    text.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// As [`table`], with the cells as they are written.
fn written(content: &str, heading: &str) -> Option<Vec<Vec<String>>> {
    let section = content.split(&format!("\n{heading}\n")).nth(1)?.split("\n#").next()?;
    let rows = section.lines().filter(|l| l.starts_with('|')).skip(2);
    Some(rows.map(|l| l.trim_matches('|').split('|').map(|c| c.trim().to_owned()).collect()).collect())
}

/// Whether a row names what its field holds, in order: beside it, or in a table of its own.
fn describes(page: &str, wire: &Value, row: &[String], inner: &[String]) -> bool {
    if quoted(&row[1..]) == inner {
        return true;
    }
    let names = |rows: Vec<Vec<String>>| rows.into_iter().map(|r| r[0].clone()).collect::<Vec<_>>();
    let told = |word: &str| {
        let all = table(page, &format!("### {word}")).map(names)?;
        // An example shows one variant of an enum.
        Some(if wire["variants"].get(word).is_some() { inner.iter().all(|name| all.contains(name)) } else { all == inner })
    };
    let mut words = row[1].split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'));
    let parameters = || table(&pages()["00-conventions.md"], "## Parameters").is_some_and(|rows| names(rows) == inner);
    words.any(|word| told(word) == Some(true)) || (row.join(" ").contains("parameters") && parameters())
}

#[test]
fn every_message_is_described_field_by_field() {
    let (page, wire) = (&pages()["02-wire.md"], wire());
    for message in wire["messages"].as_array().expect("a list") {
        let name = message["message"].as_str().expect("a name");
        let mut order = words(&message["order"]);
        // Parameters have their own table; of a fault the table shows the only variant's fields.
        match name {
            "params" => continue,
            "fault" => order = order.iter().map(|p| p.trim_start_matches("Equivocation.").to_owned()).collect(),
            _ => {}
        }
        let rows = written(page, &format!("### {name}")).unwrap_or_else(|| panic!("02-wire.md has no table for {name}"));
        let fields: Vec<String> = rows.iter().map(|r| r[0].trim_matches('`').to_owned()).collect();
        let variants = (name != "fault").then(|| wire["variants"].get(name)).flatten().map(words);
        let heads = heads(&order);
        match &variants {
            Some(all) => assert_eq!(fields, *all, "{name}"),
            // The older layout of a kind lacks fields that its message shows as what they are without.
            None => assert_eq!(fields, heads, "{name}"),
        }
        for (field, row) in fields.iter().zip(&rows) {
            let inner = behind(&order, field);
            assert!(inner.is_empty() || describes(page, &wire, row, &inner), "{name}: {field} holds {inner:?}, and the table says {row:?}");
        }
    }
}

#[test]
fn every_variant_is_named_in_wire_order() {
    let page = &pages()["02-wire.md"];
    for (place, all) in wire()["variants"].as_object().expect("a map") {
        let Some((message, field)) = place.split_once('.') else { continue };
        let named = words(all).iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        let section = page.split(&format!("\n### {message}\n")).nth(1).expect("a section").split("\n#").next().unwrap_or_default();
        let told: Vec<&str> = section.lines().filter(|l| l.contains(&format!("`{field}`")) && l.contains(&named)).collect();
        assert!(!told.is_empty(), "{message}: {field} is one of {named}");
    }
}

/// Sources of the crate whose errors are refusals of what others say.
const REFUSING: [&str; 11] = [
    "chain/accept.rs",
    "chain/counted.rs",
    "chain/faults.rs",
    "exchange/recognise.rs",
    "gossip/refusal.rs",
    "identity/address.rs",
    "identity/signed.rs",
    "params/ranges.rs",
    "wire/bundle.rs",
    "wire/genesis.rs",
    "wire/label.rs",
];

#[test]
fn every_refusal_names_a_rule() {
    let known = pages().values().map(String::as_str).collect::<Vec<_>>().concat();
    let mut texts = 0;
    for file in REFUSING {
        let source = text(crate_folder().join("src").join(file));
        let errors = source.match_indices("#[error(\"").map(|(at, mark)| &source[at + mark.len()..]);
        let invalid = source.match_indices("CodecError::Invalid(\"").map(|(at, mark)| &source[at + mark.len()..]);
        for rest in errors.chain(invalid) {
            let told = rest.split_once('"').expect("a text ends").0;
            let rules: Vec<&str> = told.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-')).filter(|w| w.starts_with("R-")).collect();
            assert!(!rules.is_empty(), "{file}: \"{told}\" names no rule");
            for rule in rules {
                assert!(known.contains(&format!("- **{rule}** ")), "{file}: \"{told}\" names {rule}, which is no rule");
            }
            texts += 1;
        }
    }
    assert!(texts > 50, "{texts}");
}

#[test]
fn only_introductions_and_applications_hold_an_address() {
    let wire = wire();
    let holds = |m: &&Value| m["fields"].to_string().contains('@');
    let named = |m: &Value| m["message"].as_str().expect("a name").to_owned();
    let all = wire["messages"].as_array().expect("a list");
    let with: BTreeSet<String> = all.iter().filter(holds).map(named).collect();
    let told = ["introduce", "introduced", "apply", "enrolment-answer", "request", "response"].map(str::to_owned);
    assert_eq!(with, told.into(), "the examples hold an address where there is a field for one");
    // Nothing that is signed, so nothing that gossip carries or a record holds, has a field of text.
    let spoken = all.iter().filter(|m| m.get("signed_input").is_some() || m["message"] == "roster-row" || m["message"] == "fault");
    for message in spoken {
        let rows = table(&pages()["02-wire.md"], &format!("### {}", named(message))).expect("a table");
        assert!(rows.iter().all(|r| !r.join(" ").split_whitespace().any(|word| word == "text")), "{}", named(message));
    }
}

/// Text between quotation marks behind a word, in every file of a folder.
fn declared(folder: PathBuf, word: &str) -> BTreeSet<String> {
    let mut out = BTreeSet::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            out.extend(declared(path, word));
        } else {
            out.extend(text(path).split(word).skip(1).filter_map(|rest| rest.split('"').nth(1).map(str::to_owned)));
        }
    }
    out
}

#[test]
fn the_signed_kinds_are_those_of_the_code() {
    let kinds = declared(crate_folder().join("src"), "const KIND: &'static str = ");
    assert!(kinds.contains("bundle"), "{kinds:?}");
    let wire = wire();
    let signed = wire["messages"].as_array().expect("a list").iter().filter(|m| m.get("signed_input").is_some());
    assert_eq!(signed.map(|m| m["message"].as_str().expect("a name").to_owned()).collect::<BTreeSet<_>>(), kinds, "each has a vector");
    let identity = &pages()["01-identity.md"];
    let rule = rules(identity).into_iter().find(|(id, _)| id == "R-ID-7").expect("the rule").1;
    let list = rule.split("kinds are").nth(1).expect("a list").split('.').next().unwrap_or_default();
    assert_eq!(list.split('`').skip(1).step_by(2).map(str::to_owned).collect::<BTreeSet<_>>(), kinds, "R-ID-7 names them");
}
