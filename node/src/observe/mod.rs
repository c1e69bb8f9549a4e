//! Logs. No secret and no address ever stands in a line: members are named by the short form of their id. libp2p and
//! the mail libraries, whose own lines may hold addresses, are kept at `warn` and above.

use crate::config::{LogConfig, LogFormat};
use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;

/// Libraries whose lines below `warn` may hold addresses, and the level that keeps them out.
const QUIET: &str = "libp2p=warn,libp2p_swarm=error,async_imap=off,lettre=off,hickory_resolver=warn,rustls=warn";

/// Starts logging to standard error; `RUST_LOG` wins over the config. A second call changes nothing.
pub fn start(config: &LogConfig) {
    let wanted = std::env::var("RUST_LOG").unwrap_or_else(|_| config.level.clone());
    let filter = filter(&wanted).or_else(|| filter("info")).unwrap_or_default();
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let _started_before = match config.format {
        LogFormat::Json => builder.json().try_init(),
        LogFormat::Text => builder.with_ansi(std::io::stderr().is_terminal()).try_init(),
    };
}

/// Whether `level` is a level or a filter that can be read.
#[must_use]
pub fn readable(level: &str) -> bool {
    filter(level).is_some()
}

/// The filter in force for a wanted one; the quiet libraries come last, so that a level for everything leaves them quiet.
#[must_use]
pub fn quieted(wanted: &str) -> String {
    format!("{wanted},{QUIET}")
}

fn filter(wanted: &str) -> Option<EnvFilter> {
    EnvFilter::try_new(quieted(wanted)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_stay_quiet_whatever_is_wanted() {
        for wanted in ["info", "trace", "async_imap=trace", "warmnet_node::mail=debug,info"] {
            let text = filter(wanted).expect("readable").to_string();
            assert!(text.contains("async_imap=off") && !text.contains("async_imap=trace"), "{text}");
        }
        assert!(readable("debug") && !readable("warmnet_node=loud"));
    }
}
