//! The one shape of mail we write: a single text/plain part in UTF-8, seven-bit on the wire.
//!
//! ```
//! # use warmnet_node::mail::compose::Draft;
//! let raw = Draft {
//!     from: "a@a.test", to: "b@b.test", subject: "Hello", date_ms: 0, utc_offset_minutes: 0,
//!     message_id: "<1@a.test>", in_reply_to: None, references: &[], extra: &[],
//!     auto_submitted: "auto-generated", text: "One line.\n",
//! }.compose().expect("plain values");
//! assert!(raw.ends_with("\r\n\r\nOne line.\r\n"));
//! ```

use jiff::{
    Timestamp,
    fmt::rfc2822::DateTimePrinter,
    tz::{Offset, TimeZone},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};

/// Where header lines are folded (RFC 5322 section 2.1.1 recommends 78 characters with the line end).
const FOLD_AT: usize = 76;
/// The longest line allowed (RFC 5322 section 2.1.1).
const MAX_LINE: usize = 998;
/// Bytes in one encoded word: 60 characters of base64 and the frame stay under 75 (RFC 2047 section 2).
const WORD_BYTES: usize = 45;

/// A mail to be written.
#[derive(Clone, Copy, Debug)]
pub struct Draft<'a> {
    /// Bare ASCII address.
    pub from: &'a str,
    /// Bare ASCII address.
    pub to: &'a str,
    /// Any one line of text.
    pub subject: &'a str,
    /// Milliseconds since 1970.
    pub date_ms: i64,
    /// The writer's zone at that moment, east positive.
    pub utc_offset_minutes: i32,
    /// With angle brackets.
    pub message_id: &'a str,
    /// With angle brackets.
    pub in_reply_to: Option<&'a str>,
    /// With angle brackets, oldest first.
    pub references: &'a [&'a str],
    /// Further fields in ASCII, folded at blanks.
    pub extra: &'a [(&'a str, &'a str)],
    /// RFC 3834: `auto-generated` or `auto-replied`.
    pub auto_submitted: &'a str,
    /// The text; line ends are normalised to CRLF, one at the end.
    pub text: &'a str,
}

/// Why a draft can't be written.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ComposeError {
    /// A value that would break out of its field or that the field can't hold.
    #[error("the field {0} has a value that can't be written")]
    Field(&'static str),
    /// A date outside what a calendar can show.
    #[error("the date can't be written")]
    Date,
}

impl Draft<'_> {
    /// The message, lines ended by CRLF, ready for SMTP (dots not yet stuffed).
    ///
    /// # Errors
    /// [`ComposeError`] for values that could forge a field: line ends, control characters, non-ASCII addresses.
    pub fn compose(&self) -> Result<String, ComposeError> {
        let mut out = String::new();
        field(&mut out, "From", &address("From", self.from)?)?;
        field(&mut out, "To", &address("To", self.to)?)?;
        field(&mut out, "Subject", &subject(self.subject)?)?;
        field(&mut out, "Date", &self.date()?)?;
        field(&mut out, "Message-ID", self.message_id)?;
        if let Some(id) = self.in_reply_to {
            field(&mut out, "In-Reply-To", id)?;
        }
        if !self.references.is_empty() {
            field(&mut out, "References", &self.references.join(" "))?;
        }
        for (name, value) in self.extra {
            field(&mut out, name, value)?;
        }
        field(&mut out, "Auto-Submitted", self.auto_submitted)?;
        field(&mut out, "X-Auto-Response-Suppress", "All")?;
        field(&mut out, "MIME-Version", "1.0")?;
        field(&mut out, "Content-Type", "text/plain; charset=utf-8; format=fixed")?;
        let text = crlf(self.text);
        let plain = text.is_ascii()
            && text.split("\r\n").all(|line| line.len() <= FOLD_AT && !line.ends_with([' ', '\t']))
            && !text.chars().any(|c| c.is_ascii_control() && !matches!(c, '\r' | '\n' | '\t'));
        field(&mut out, "Content-Transfer-Encoding", if plain { "7bit" } else { "quoted-printable" })?;
        out.push_str("\r\n");
        out.push_str(&if plain { text } else { quoted_printable(&text) });
        Ok(out)
    }

    fn date(&self) -> Result<String, ComposeError> {
        let bad = |_| ComposeError::Date;
        let seconds = self.utc_offset_minutes.checked_mul(60).ok_or(ComposeError::Date)?;
        let zone = TimeZone::fixed(Offset::from_seconds(seconds).map_err(bad)?);
        let moment = Timestamp::from_millisecond(self.date_ms).map_err(bad)?.to_zoned(zone);
        DateTimePrinter::new().zoned_to_string(&moment).map_err(bad)
    }
}

fn address(name: &'static str, text: &str) -> Result<String, ComposeError> {
    let plain = |b: u8| (b'!'..=b'~').contains(&b) && !b"<>()[],;:\\\"".contains(&b);
    let whole = text.split_once('@').is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty());
    if whole && text.bytes().all(plain) { Ok(format!("<{text}>")) } else { Err(ComposeError::Field(name)) }
}

/// Appends one field, folded at blanks. A name in `extra` that is wrong is reported as `extra`.
fn field(out: &mut String, name: &str, value: &str) -> Result<(), ComposeError> {
    let known = ["From", "To", "Subject", "Date", "Message-ID", "In-Reply-To", "References", "Auto-Submitted"];
    let label = known.into_iter().find(|k| *k == name).unwrap_or("extra");
    let name_ok = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if !name_ok || value.is_empty() || !value.bytes().all(|b| (b' '..=b'~').contains(&b)) {
        return Err(ComposeError::Field(label));
    }
    out.push_str(name);
    out.push(':');
    let mut column = name.len() + 1;
    for (i, word) in value.split(' ').filter(|w| !w.is_empty()).enumerate() {
        if word.len() >= MAX_LINE {
            return Err(ComposeError::Field(label));
        }
        if i > 0 && column + 1 + word.len() > FOLD_AT {
            out.push_str("\r\n");
            column = 0;
        }
        out.push(' ');
        out.push_str(word);
        column += 1 + word.len();
    }
    out.push_str("\r\n");
    Ok(())
}

/// As it is when it is plain ASCII, else as encoded words (RFC 2047).
fn subject(text: &str) -> Result<String, ComposeError> {
    if text.chars().any(char::is_control) {
        return Err(ComposeError::Field("Subject"));
    }
    // A field must hold something to be a field; single blanks survive folding, runs of them don't.
    if !text.trim().is_empty() && text.is_ascii() && !text.contains("=?") && !text.contains("  ") && text.trim() == text {
        return Ok(text.to_owned());
    }
    let mut words = Vec::new();
    let mut part = String::new();
    for c in text.chars() {
        if part.len() + c.len_utf8() > WORD_BYTES {
            words.push(std::mem::take(&mut part));
        }
        part.push(c);
    }
    words.push(part);
    let encode = |w: &String| format!("=?utf-8?B?{}?=", STANDARD.encode(w));
    Ok(words.iter().map(encode).collect::<Vec<_>>().join(" "))
}

/// Line ends as CRLF, exactly one at the end.
fn crlf(text: &str) -> String {
    let unix = text.replace("\r\n", "\n").replace('\r', "\n");
    let mut out = String::with_capacity(unix.len() + 16);
    for line in unix.trim_end_matches('\n').split('\n') {
        out.push_str(line);
        out.push_str("\r\n");
    }
    out
}

/// RFC 2045 section 6.7 over text with CRLF line ends.
fn quoted_printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    for line in text.trim_end_matches("\r\n").split("\r\n") {
        let bytes = line.as_bytes();
        let mut column = 0;
        for (i, b) in bytes.iter().enumerate() {
            let last = i + 1 == bytes.len();
            let literal = matches!(*b, b'!'..=b'<' | b'>'..=b'~') || (matches!(*b, b' ' | b'\t') && !last);
            let width = if literal { 1 } else { 3 };
            // A soft line end takes the 76th column.
            if column + width > FOLD_AT - 1 {
                out.push_str("=\r\n");
                column = 0;
            }
            if literal {
                out.push(char::from(*b));
            } else {
                out.push_str(&format!("={b:02X}"));
            }
            column += width;
        }
        out.push_str("\r\n");
    }
    out
}

#[cfg(test)]
mod tests;
