//! Attachments of DMARC aggregates: XML, gzip or zip, unpacked under limits that a bomb can't pass.

use mail_auth::flate2::read::MultiGzDecoder;
use mail_auth::zip::ZipArchive;
use std::io::{Cursor, Read};

/// XML read of one report. A report of 1 MiB has some 2,000 rows.
pub const MAX_UNPACKED: usize = 1024 * 1024;
/// Files of one archive; the standard knows one.
const MAX_FILES: usize = 4;

/// The XML in an attachment; `None` when there is none or it is too large.
pub(super) fn xml(bytes: &[u8]) -> Option<Vec<u8>> {
    match bytes {
        [0x1f, 0x8b, ..] => capped(MultiGzDecoder::new(bytes)),
        [b'P', b'K', 3, 4, ..] => unzip(bytes),
        _ => {
            let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii_start();
            (text.starts_with(b"<") && text.len() <= MAX_UNPACKED).then(|| text.to_vec())
        }
    }
}

fn unzip(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).ok()?;
    if archive.len() > MAX_FILES {
        return None;
    }
    let found =
        (0..archive.len()).find(|i| archive.by_index(*i).is_ok_and(|f| f.is_file() && f.name().to_ascii_lowercase().ends_with(".xml")))?;
    capped(archive.by_index(found).ok()?)
}

/// All of a stream that has at most [`MAX_UNPACKED`] bytes, whatever it announces.
fn capped(stream: impl Read) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let limit = u64::try_from(MAX_UNPACKED).ok()? + 1;
    stream.take(limit).read_to_end(&mut out).ok()?;
    (out.len() <= MAX_UNPACKED).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use mail_auth::flate2::{Compression, write::GzEncoder};
    use mail_auth::zip::{ZipWriter, write::SimpleFileOptions};
    use std::io::Write as _;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut out = GzEncoder::new(Vec::new(), Compression::best());
        out.write_all(bytes).expect("memory");
        out.finish().expect("memory")
    }

    fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut out = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, bytes) in files {
            out.start_file(*name, SimpleFileOptions::default()).expect("started");
            out.write_all(bytes).expect("memory");
        }
        out.finish().expect("finished").into_inner()
    }

    #[test]
    fn each_packing_gives_the_same_text() {
        let text = b"<feedback/>";
        for packed in [text.to_vec(), gzip(text), zip(&[("a!b!1!2.XML", text)]), zip(&[("note.txt", b"x"), ("r.xml", text)])] {
            assert_eq!(xml(&packed).as_deref(), Some(&text[..]));
        }
    }

    #[test]
    fn bombs_are_refused() {
        let bomb = vec![b'<'; 200 * MAX_UNPACKED];
        let packed = gzip(&bomb);
        assert!(packed.len() < 256 * 1024, "such a bomb fits into a mail: {} bytes", packed.len());
        assert_eq!(xml(&packed), None);
        assert_eq!(xml(&zip(&[("r.xml", &bomb)])), None);
        assert_eq!(xml(&bomb[..=MAX_UNPACKED]), None);
        assert!(xml(&gzip(&bomb[..MAX_UNPACKED])).is_some(), "the limit itself is allowed");
        // Two streams behind each other are one (RFC 1952 section 2.2), and one too large.
        assert_eq!(xml(&[gzip(&bomb[..MAX_UNPACKED]), gzip(b"<")].concat()), None);
    }

    #[test]
    fn archives_of_many_files_or_none_are_refused() {
        let many: Vec<(String, &[u8])> = (0..5).map(|i| (format!("{i}.xml"), &b"<feedback/>"[..])).collect();
        let many: Vec<(&str, &[u8])> = many.iter().map(|(n, b)| (n.as_str(), *b)).collect();
        assert_eq!(xml(&zip(&many)), None);
        assert_eq!(xml(&zip(&[("r.exe", b"<feedback/>")])), None);
        let whole = zip(&[("r.xml", b"<feedback/>")]);
        for cut in 0..whole.len() {
            let _no_panic = xml(&whole[..cut]);
        }
    }
}
