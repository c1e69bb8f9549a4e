//! `run`: the authority inside the node's runtime.

use super::opened::Opened;
use crate::authority::{Coordinator, Parts};
use crate::config;
use crate::golden::GoldenMember;
use crate::quarantine::dnsbl::Dnsbl;
use crate::quarantine::poller::{BATCHES, Poller};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use warmnet_node::cli::{CliError, ExitCode};
use warmnet_node::config::{Home, MailboxConfig};
use warmnet_node::control::HomeLock;
use warmnet_node::observe;
use warmnet_node::runtime::{self, RunOptions};
use warmnet_protocol::time::Span;

pub(super) fn run(home: Home) -> Result<(), CliError> {
    let settings = config::load(&home)?;
    let _lock = HomeLock::take(&home)?;
    observe::start(&settings.log);
    let Opened { genesis, secrets, keys } = Opened::at(&home, &settings)?;
    let mailboxes = MailboxConfig::load_all(&home.mailboxes())?;
    let seed = secrets.identity()?;
    let golden = mailboxes.iter().map(|m| GoldenMember::of(m, &seed, &genesis.network_id())).collect::<Result<Vec<_>, _>>();
    let golden = golden
        .map_err(|e| CliError::new(ExitCode::Usage, "a golden mailbox can't be used").why(e).todo("correct its file in mailboxes/"))?;
    if golden.is_empty() {
        tracing::warn!("no golden mailbox: nobody can enrol; add one with `warmnet-coordinator golden add`");
    }

    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|e| CliError::new(ExitCode::Error, "the program can't start its tasks").why(e))?;
    let stop = CancellationToken::new();
    runtime.block_on(async {
        let (subjects, watched) = watch::channel(Arc::default());
        let mut poller = None;
        let mut batches = None;
        if !settings.blocklist.is_empty() {
            let dnsbl = Dnsbl::new(settings.dns.server)
                .map_err(|e| CliError::new(ExitCode::Network, "the blocklists can't be polled").why(e).todo("check [dns] server"))?;
            let (results, from_poller) = mpsc::channel(BATCHES);
            let every = genesis.clock.wall_ms(Span::minutes(settings.quarantine.poll_minutes));
            let task = Poller {
                dnsbl,
                lists: settings.blocklist.clone(),
                every: Duration::from_millis(every),
                subjects: watched,
                batches: results,
            };
            poller = Some(tokio::spawn(task.run(stop.clone())));
            batches = Some(from_poller);
        }
        let parts = Parts {
            genesis,
            keys,
            golden,
            admission: settings.admission.clone(),
            quarantine: settings.quarantine.clone(),
            settle_ms: (settings.epochs.settle_seconds * 1_000.0) as u64,
            batches,
            subjects,
        };
        let authority = Coordinator::open(home.root(), parts).map_err(|e| {
            CliError::new(ExitCode::Store, "the authority's files can't be used")
                .why(e)
                .todo("restore them from a backup; `warmnet-coordinator audit verify` checks the log")
        })?;
        let options = RunOptions { home, config: settings.node(), mailboxes, secrets, golden: true, authority: Some(Box::new(authority)) };
        let ended = runtime::run(options).await;
        stop.cancel();
        if let Some(poller) = poller {
            // It ends at the next await; a panic in it was logged when it happened.
            let _ended = poller.await;
        }
        Ok(ended?)
    })
}
