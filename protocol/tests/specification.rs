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
    // Between its attribute and its name stand only attributes and `async`; in a property test the same.
    let before = &source[..at];
    before.rfind("#[test]").max(before.rfind("#[tokio::test")).is_some_and(|mark| !before[mark..].contains("fn "))
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
    assert_eq!(prefixes.len(), 12);
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

#[test]
fn every_message_is_described_field_by_field() {
    let page = &pages()["02-wire.md"];
    let wire: Value = serde_json::from_str(&text(crate_folder().join("vectors/wire.json"))).expect("JSON");
    let mut fields: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for message in wire["messages"].as_array().expect("a list") {
        let names = fields.entry(message["message"].as_str().expect("a name")).or_default();
        match &message["fields"] {
            Value::String(variant) => {
                names.insert(variant.clone());
            }
            Value::Object(map) => names.extend(map.keys().cloned()),
            other => panic!("{other}"),
        }
    }
    // Parameters have their own table; of a fault the table shows the only variant's fields.
    fields.remove("params");
    fields.insert("fault", ["first", "second"].map(str::to_owned).into());
    for (message, names) in fields {
        let rows = table(page, &format!("### {message}")).unwrap_or_else(|| panic!("02-wire.md has no table for {message}"));
        let described: BTreeSet<String> = rows.into_iter().map(|r| r[0].clone()).collect();
        assert_eq!(described, names, "{message}");
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
