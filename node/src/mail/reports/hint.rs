//! Which mails may be reports, told by header fields alone: only their bodies are fetched.

use crate::mail::fields;

/// What a mail's header fields promise.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Hint {
    /// A bounce or a complaint: what counts stands within the first kilobytes.
    Notice,
    /// A DMARC aggregate: worth nothing unless whole.
    Aggregate,
}

impl Hint {
    /// Names of the fields to fetch beside Message-ID.
    pub const FIELDS: [&'static str; 3] = ["Content-Type", "Subject", "X-Failed-Recipients"];

    /// The most that is fetched of such a mail, in bytes.
    #[must_use]
    pub fn limit(self) -> usize {
        match self {
            Self::Notice => 64 * 1024,
            // Providers' reports about a small sender have 1 to 20 KiB, compressed.
            Self::Aggregate => 256 * 1024,
        }
    }

    /// Reads the fields; `None`: no report, its body is none of our business.
    #[must_use]
    pub fn read(block: &[(String, String)]) -> Option<Self> {
        let kind = fields::only(block, "Content-Type").unwrap_or_default().to_ascii_lowercase();
        let subject = fields::only(block, "Subject").unwrap_or_default().to_ascii_lowercase();
        let subject = subject.trim();
        let media = kind.split(';').next().unwrap_or_default().trim();
        // RFC 3462: the report's type is a parameter; some servers leave it out.
        if media == "multipart/report" {
            let other = kind.contains("report-type") && !kind.contains("delivery-status") && !kind.contains("feedback-report");
            return (!other).then_some(Self::Notice);
        }
        // RFC 7489 section 7.2.1.1 gives subject and file name.
        if subject.starts_with("report domain:") || (is_archive(media) && kind.contains('!')) {
            return Some(Self::Aggregate);
        }
        // Older Exim and qmail write plain text.
        let plain = media.is_empty() || media.starts_with("text/plain") || media == "multipart/mixed";
        let failed = block.iter().any(|(name, _)| name.eq_ignore_ascii_case("X-Failed-Recipients"));
        (plain && (failed || subject == "failure notice")).then_some(Self::Notice)
    }
}

fn is_archive(media: &str) -> bool {
    matches!(
        media,
        "application/zip" | "application/x-zip-compressed" | "application/gzip" | "application/x-gzip" | "application/octet-stream"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hint(block: &str) -> Option<Hint> {
        Hint::read(&fields::fields(block.as_bytes()))
    }

    #[test]
    fn reports_are_told_by_type_subject_or_file_name() {
        let notice = Some(Hint::Notice);
        assert_eq!(hint("Content-Type: multipart/report; report-type=delivery-status;\r\n boundary=x\r\n"), notice);
        assert_eq!(hint("Content-Type: Multipart/Report; boundary=x; report-type=\"feedback-report\"\r\n"), notice);
        assert_eq!(hint("Content-Type: multipart/report; boundary=x\r\n"), notice);
        assert_eq!(hint("Subject: failure notice\r\n"), notice);
        assert_eq!(hint("Subject: Mail delivery failed\r\nX-Failed-Recipients: a@b.test\r\n"), notice);
        let aggregate = Some(Hint::Aggregate);
        assert_eq!(hint("Subject: Report Domain: a.test\r\n Submitter: b.test Report-ID: 1\r\n"), aggregate);
        assert_eq!(hint("Content-Type: application/zip; name=\"b.test!a.test!1!2.zip\"\r\nSubject: Bericht\r\n"), aggregate);
    }

    #[test]
    fn ordinary_mail_is_none() {
        for block in [
            "Content-Type: text/plain\r\nSubject: Report on the domain\r\n",
            "Content-Type: multipart/report; report-type=disposition-notification; boundary=x\r\n",
            "Content-Type: application/zip; name=\"photos.zip\"\r\nSubject: Hi!\r\n",
            "Subject: Re: failure notice\r\n",
            "Content-Type: text/html\r\nX-Failed-Recipients: a@b.test\r\n",
            "",
        ] {
            assert_eq!(hint(block), None, "{block}");
        }
    }
}
