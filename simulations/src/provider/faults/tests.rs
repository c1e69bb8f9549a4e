use super::*;

fn refused(text: &str) -> String {
    Faults::read(text).expect_err("refused").to_string()
}

/// A file of one fault with these further lines.
fn one(lines: &str) -> String {
    format!("[[fault]]\nservice = \"smtp\"\nstep = \"rcpt\"\n{lines}\n")
}

const RCPT: At<'static> = At { service: Service::Smtp, step: Step::Rcpt, provider: "alpha", mailbox: Some("post@m01.test") };

#[test]
fn what_can_not_be_meant_is_refused_in_plain_words() {
    for (lines, wanted) in [
        ("close = true\ncolour = \"blue\"", "unknown field `colour`"),
        ("", "nothing would happen"),
        ("close = true\nhang = true", "can't both close and hang"),
        ("reply = \"later\"", "an SMTP `reply` is a code and words"),
        ("reply = \"451-4.7.1 later\"", "an SMTP `reply` is a code and words"),
        ("reply = \"\"", "one line or more"),
        ("close = true\nchance = 1.5", "`chance` is a probability"),
        ("delay_ms = 9999999", "at most 3600000"),
        ("delay_ms = 5\ncarried_out = true", "`carried_out` needs a reply"),
    ] {
        let why = refused(&one(lines));
        assert!(why.contains(wanted), "{lines}: {why}");
    }
    let why = refused("[[fault]]\nservice = \"smtp\"\nstep = \"data\"\nwords = \"other\"\n");
    assert!(why.contains("`words` replace the text"), "{why}");
    let why = refused("seed = 1\nfaults = []\n");
    assert!(why.contains("unknown field `faults`"), "{why}");
    let why = refused("[[fault]]\nservice = \"imap\"\nstep = \"rcpt\"\nclose = true\n");
    assert!(why.contains("fault 1") && why.contains("no step `rcpt`") && why.contains("fetch, store, copy, move"), "{why}");
    let why = refused("[[fault]]\nservice = \"imap\"\nstep = \"move\"\nreply = \"550 no\"\n");
    assert!(why.contains("begins with OK, NO or BAD"), "{why}");
    let why = refused("[[fault]]\nservice = \"smtp\"\nstep = \"ehlo\"\nmailbox = \"a@b.test\"\nclose = true\n");
    assert!(why.contains("nobody has named a mailbox yet"), "{why}");
}

#[test]
fn names_must_exist() {
    let config: ProviderConfig = serde_json::from_value(serde_json::json!({
        "dir": "/x", "seed": 1, "epoch_zero_ms": 0, "epoch_ms": 1, "providers": [{"name": "alpha", "flavor": "plain"}], "domains": [],
        "mailboxes": [{"address": "post@m01.test", "password": "pw", "kind": "member"}],
    }))
    .expect("a config");
    let fit = |lines: &str| Faults::read(&one(lines)).expect("read").fit(&config).map_err(|e| e.to_string());
    assert_eq!(fit("provider = \"alpha\"\nmailbox = \"Post@m01.test\"\nclose = true"), Ok(()));
    assert_eq!(fit("provider = \"beta\"\nclose = true"), Err("fault 1 of the file: no provider is called beta".to_owned()));
    assert_eq!(fit("mailbox = \"x@m01.test\"\nclose = true"), Err("fault 1 of the file: no mailbox is called x@m01.test".to_owned()));
}

#[test]
fn after_and_count() {
    let faults = Faults::read(&one("after = 2\ncount = 3\nclose = true")).expect("read");
    let struck: Vec<bool> = (0..8).map(|_| faults.strike(RCPT).is_some()).collect();
    assert_eq!(struck, [false, false, true, true, true, false, false, false]);
    assert_eq!(faults.happened(), [3]);
}

#[test]
fn others_are_spared() {
    let faults = Faults::read(&one("provider = \"alpha\"\nmailbox = \"post@m01.test\"\nclose = true")).expect("read");
    for at in [
        At { step: Step::Mail, ..RCPT },
        At { service: Service::Mx, ..RCPT },
        At { provider: "bravo", ..RCPT },
        At { mailbox: None, ..RCPT },
        At { mailbox: Some("post@m02.test"), ..RCPT },
    ] {
        assert!(faults.strike(at).is_none(), "{at:?}");
    }
    assert!(faults.strike(RCPT).is_some());
}

#[test]
fn the_first_that_is_due_happens() {
    let text = one("count = 1\nreply = \"421 4.3.2 busy\"\nclose = true") + &one("reply = \"550 5.7.1 no\"");
    let faults = Faults::read(&text).expect("read");
    let replies: Vec<_> = (0..3).map(|_| faults.strike(RCPT).and_then(|s| s.reply).expect("a reply")).collect();
    assert_eq!(replies, ["421 4.3.2 busy", "550 5.7.1 no", "550 5.7.1 no"]);
}

#[test]
fn chance_follows_the_seed() {
    let run = |seed: u64| -> Vec<bool> {
        let faults = Faults::read(&format!("seed = {seed}\n{}", one("chance = 0.3\nclose = true"))).expect("read");
        (0..1_000).map(|_| faults.strike(RCPT).is_some()).collect()
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
    let happened = run(1).into_iter().filter(|s| *s).count();
    assert!((250..350).contains(&happened), "{happened} of 1000");
}

#[test]
fn the_guides_example_is_read() {
    let guide = include_str!("../../../../docs/guide/researcher.md");
    let example = guide.split("```toml\n").nth(1).and_then(|t| t.split("```").next()).expect("an example");
    let faults = Faults::read(example).expect("read");
    assert_eq!((faults.rules.len(), faults.seed), (3, 7));
}
