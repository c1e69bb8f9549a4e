//! A client of SpamAssassin's spamd: SPAMC/1.5, one REPORT a connection.

use super::mails::Mail;
use std::io::{Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::Mutex;
use std::time::Duration;

/// Positive rules of a mail may sum up to so many points (the project's bound; SpamAssassin itself begins at 5).
pub(super) const LIMIT: f64 = 0.5;
/// Mails judged at a time: spamd's default number of children.
const AT_ONCE: usize = 4;
/// The longest answer taken; a report has some kilobytes.
const ANSWER: u64 = 256 * 1024;
/// How long one mail may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A judged mail.
pub(super) struct Checked {
    pub(super) mail: Mail,
    /// Rules that fired, with their points.
    pub(super) rules: Vec<(String, f64)>,
}

impl Checked {
    /// Points of the rules that speak against the mail.
    pub(super) fn positive(&self) -> f64 {
        // Reports give tenths; the sum of them is rounded to tenths again.
        (self.rules.iter().map(|r| r.1.max(0.0)).sum::<f64>() * 10.0).round() / 10.0
    }
    pub(super) fn json(&self) -> serde_json::Value {
        let rules: serde_json::Map<_, _> = self.rules.iter().map(|(name, points)| (name.clone(), (*points).into())).collect();
        let language = super::LANGUAGES.get(usize::from(self.mail.language));
        serde_json::json!({"language": language, "thread": self.mail.thread + 1, "turn": self.mail.turn, "positive": self.positive(), "rules": rules})
    }
}

/// Why there is no verdict.
#[derive(Debug, thiserror::Error)]
pub(super) enum SpamdError {
    #[error("{0}")]
    Io(#[from] std::io::Error),
    #[error("the address means no host")]
    Address,
    #[error("it answered \"{0}\"")]
    Answer(String),
}

/// Has all mails judged; the order is kept.
pub(super) fn check_all(at: &str, mails: Vec<Mail>) -> Result<Vec<Checked>, SpamdError> {
    let queue = Mutex::new(mails.into_iter().enumerate());
    let work = || -> Result<Vec<(usize, Checked)>, SpamdError> {
        let mut done = Vec::new();
        loop {
            let next = queue.lock().ok().and_then(|mut q| q.next());
            let Some((n, mail)) = next else { return Ok(done) };
            let rules = report(at, &mail.raw)?;
            done.push((n, Checked { mail, rules }));
        }
    };
    let done = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(work)).collect();
        let failed = || SpamdError::Answer("nothing: a worker failed".to_owned());
        workers.into_iter().map(|w| w.join().unwrap_or_else(|_| Err(failed()))).collect::<Result<Vec<_>, _>>()
    })?;
    let mut all: Vec<(usize, Checked)> = done.into_iter().flatten().collect();
    all.sort_by_key(|c| c.0);
    Ok(all.into_iter().map(|c| c.1).collect())
}

fn report(at: &str, mail: &[u8]) -> Result<Vec<(String, f64)>, SpamdError> {
    let address = at.to_socket_addrs()?.next().ok_or(SpamdError::Address)?;
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    write!(stream, "REPORT SPAMC/1.5\r\nContent-length: {}\r\n\r\n", mail.len())?;
    stream.write_all(mail)?;
    stream.shutdown(std::net::Shutdown::Write)?;
    let mut answer = Vec::new();
    stream.take(ANSWER).read_to_end(&mut answer)?;
    parse(&String::from_utf8_lossy(&answer))
}

/// The rules of a report: lines of points and name below a row of dashes.
fn parse(answer: &str) -> Result<Vec<(String, f64)>, SpamdError> {
    let status = answer.lines().next().unwrap_or_default();
    let table = answer.split_once("\n---- ").map(|(_, table)| table);
    let (true, Some(table)) = (status.starts_with("SPAMD/") && status.ends_with(" 0 EX_OK"), table) else {
        return Err(SpamdError::Answer(status.to_owned()));
    };
    let rule = |line: &str| {
        let mut words = line.split_whitespace();
        let points: f64 = words.next()?.parse().ok()?;
        let name = words.next()?;
        name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_').then(|| (name.to_owned(), points))
    };
    Ok(table.lines().skip(1).filter_map(rule).collect())
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn a_report_is_read_and_anything_else_is_an_error() {
        let report = "SPAMD/1.1 0 EX_OK\r\nContent-length: 99\r\nSpam: False ; 0.2 / 5.0\r\n\r\nContent analysis details:   (0.2 points, 5.0 required)\r\n\r\n \
            pts rule name              description\r\n---- ---------------------- ----------\r\n-0.0 NO_RELAYS              Informational: message was not relayed via SMTP\r\n 0.2 A_RULE_2               words\r\n                            more words\r\n";
        let rules = parse(&report.replace("\r\n", "\n")).expect("a report");
        assert_eq!(rules, [("NO_RELAYS".to_owned(), -0.0), ("A_RULE_2".to_owned(), 0.2)]);
        assert!(parse(report).is_ok());
        for bad in ["", "SPAMD/1.1 76 Bad header line\r\n", "SPAMD/1.1 0 EX_OK\r\n\r\n", "HTTP/1.1 200 OK\r\n\n---- "] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
