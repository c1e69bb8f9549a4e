//! One run of one dialogue: the node's own watcher, the part of the host that asks for acts and records placements, and the
//! check of the mailbox afterwards.

use crate::dialogues::{Dialogue, Ours, PASSWORD, USER};
use crate::line::{Done, Line, Log, Wire};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::mpsc::Receiver;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use warmnet_node::mail::{
    Cursor, CursorStore, CursorStoreError, FolderRole, Login, MailAct, MailCommand, MailEvent, MailTimeouts, Place, Security,
    ServerSettings, TlsClient, Watcher, WatcherHandle,
};
use warmnet_sim::provider::accounting::message_id;
use warmnet_sim::provider::imap::{Act, ImapService};
use warmnet_sim::provider::store::{Folder, Mail, Mailbox, Origin, Role};

/// Any one event, on a busy machine.
const LIMIT: Duration = Duration::from_secs(60);
/// Nothing here waits for a poll: each step is asked for, or IDLE tells.
const POLL: Duration = Duration::from_secs(600);

/// What all runs share.
#[derive(Clone)]
pub(crate) struct Common {
    pub(crate) tls: TlsClient,
    pub(crate) acceptor: TlsAcceptor,
    pub(crate) host: String,
}

/// How a run is made.
#[derive(Clone, Copy)]
pub(crate) struct Way {
    /// The first connection breaks behind this byte.
    pub(crate) cut_at: usize,
    /// Over TLS sockets instead of memory.
    pub(crate) sockets: bool,
    /// The node is started anew after the cut; else its watcher connects again by itself.
    pub(crate) restart: bool,
}

/// What a run found.
#[derive(Default)]
pub(crate) struct Report {
    pub(crate) sent_first: usize,
    pub(crate) cut: bool,
    pub(crate) lost: u64,
    pub(crate) foreign: u64,
    pub(crate) doubled: u64,
    pub(crate) recorded_wrong: u64,
    /// Handed over again after having been recorded: allowed, the host tells them by their Message-ID.
    pub(crate) again: u64,
    pub(crate) problems: Vec<String>,
}

#[derive(Debug, Default)]
struct Cursors(Mutex<HashMap<String, Cursor>>);

impl CursorStore for Cursors {
    fn load(&self, folder: &str) -> Option<Cursor> {
        self.0.lock().expect("whole").get(folder).copied()
    }
    fn save(&self, folder: &str, cursor: Cursor) -> Result<(), CursorStoreError> {
        self.0.lock().expect("whole").insert(folder.to_owned(), cursor);
        Ok(())
    }
}

/// The host's part: what it recorded, where it saw each mail last, which acts are still to do.
#[derive(Default)]
struct Host {
    recorded: BTreeMap<String, Vec<FolderRole>>,
    places: BTreeMap<String, Place>,
    to_do: VecDeque<(String, MailAct)>,
    again: u64,
}

impl Host {
    /// As `node/src/runtime/mailboxes.rs` does: our own moves and other folders are no placement, the first one counts.
    fn found(&mut self, dialogue: &Dialogue, mail: &warmnet_node::mail::FoundMail) {
        let id = mail.message_id.trim_matches(['<', '>']).to_owned();
        if mail.moved_by_us {
            return;
        }
        let placement = matches!(mail.place.folder, FolderRole::Inbox | FolderRole::Junk);
        if placement {
            self.places.insert(id.clone(), mail.place);
        }
        if self.recorded.contains_key(&id) {
            self.again += 1;
            return;
        }
        self.recorded.insert(id.clone(), vec![mail.place.folder]);
        if let Some(ours) = dialogue.labelled().find(|o| o.id == id) {
            self.to_do.extend(ours.acts.iter().map(|act| (id.clone(), *act)));
        }
    }
}

/// Plays a dialogue and looks at what is left.
pub(crate) async fn play(dialogue: &Dialogue, way: Way, common: &Common) -> Report {
    let mailbox = Arc::new(dialogue.mailbox());
    let before = mailbox.folders().clone();
    let (log, wire) = (Arc::new(Log::default()), Arc::new(Wire::default()));
    let service = Arc::new(ImapService {
        oauth: None,
        mailboxes: Arc::new([(USER.to_owned(), mailbox.clone())].into()),
        events: log.clone(),
        name: "alpha".to_owned(),
        provider: 0,
        flavor: dialogue.flavor,
        imap: dialogue.imap,
        faults: Arc::default(),
    });
    let line = Line { service, wire: wire.clone(), cut_at: way.cut_at };
    let mut report = Report::default();
    let played = session(dialogue, way, common, &mailbox, line).await;
    report.sent_first = wire.first.load(Ordering::SeqCst);
    report.cut = wire.cut.load(Ordering::SeqCst);
    match played {
        Ok(host) => {
            report.again = host.again;
            judge(dialogue, &before, &mailbox, &host, &log, &mut report);
        }
        Err(why) => {
            report.lost += 1;
            report.problems.push(why);
        }
    }
    report
}

fn watcher(dialogue: &Dialogue, common: &Common, port: u16, cursors: &Arc<Cursors>) -> Watcher {
    Watcher {
        server: ServerSettings {
            host: common.host.clone(),
            port,
            security: Security::Tls,
            address: Some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
            ca_file: None,
        },
        login: Login { user: USER.to_owned(), password: PASSWORD.to_owned().into() },
        tls: common.tls.clone(),
        timeouts: MailTimeouts::default(),
        poll: POLL,
        look_everywhere: dialogue.look_everywhere,
        reports: false,
        cursors: cursors.clone(),
    }
}

/// The host's conversation with its watcher until everything is done.
async fn session(dialogue: &Dialogue, way: Way, common: &Common, mailbox: &Arc<Mailbox>, line: Line) -> Result<Host, String> {
    let cursors = Arc::new(Cursors(Mutex::new(dialogue.cursors(mailbox).into_iter().collect())));
    let mut host = Host::default();
    for ours in dialogue.ours.iter().filter(|o| o.old) {
        let place = dialogue.old_place(ours);
        host.recorded.insert(ours.id.to_owned(), vec![place.folder]);
        host.places.insert(ours.id.to_owned(), place);
        host.to_do.extend(ours.acts.iter().map(|act| (ours.id.to_owned(), *act)));
    }
    let wire = line.wire.clone();
    let mut port = 0;
    let mut server = None;
    let line = if way.sockets {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(|e| e.to_string())?;
        port = listener.local_addr().map_err(|e| e.to_string())?.port();
        server = Some(tokio::spawn(line.listen(listener, common.acceptor.clone())));
        None
    } else {
        Some(Arc::new(line))
    };
    let start = || {
        let watcher = watcher(dialogue, common, port, &cursors);
        match &line {
            Some(line) => watcher.start_on(line.clone()),
            None => watcher.start(),
        }
    };
    let (mut handle, mut events) = start();
    let mut arrived = dialogue.arrives.is_none();
    let mut restarted = !way.restart;
    let mut ticket = 0;
    loop {
        // One look, then one act after the other, then a last look when there were any.
        let (id, act) = host.to_do.front().cloned().unwrap_or((String::new(), MailAct::Sync));
        ticket += 1;
        let command = MailCommand {
            ticket,
            act,
            message_id: if id.is_empty() { id.clone() } else { format!("<{id}>") },
            found_at: host.places.get(&id).copied(),
        };
        let before = host.to_do.len();
        let Some(result) = ask(&handle, &mut events, command, dialogue, &mut host, &wire, !restarted).await? else {
            restarted = true;
            handle.stop().await;
            (handle, events) = start();
            continue;
        };
        match result {
            Ok(_) if act == MailAct::Sync => {
                if before == 0 && host.to_do.is_empty() && arrived {
                    break;
                }
            }
            Ok(_) => {
                host.to_do.pop_front();
            }
            Err(why) => return Err(format!("{act:?} of {id} failed: {why}")),
        }
        if !arrived && host.to_do.is_empty() {
            // The server is told of a mail while it is idle, and the node hears of it from the server alone.
            wait_for(|| wire.idling.load(Ordering::SeqCst)).await?;
            dialogue.deliver(mailbox);
            arrived = true;
            while host.to_do.is_empty() {
                match next(&mut events).await? {
                    MailEvent::Found(mail) => host.found(dialogue, &mail),
                    MailEvent::Disconnected { .. } if !restarted => {
                        restarted = true;
                        handle.stop().await;
                        (handle, events) = start();
                    }
                    _ => {}
                }
            }
        }
    }
    handle.stop().await;
    if let Some(server) = server {
        server.abort();
    }
    Ok(host)
}

/// Sends a command and waits for its answer. `None`: the connection broke first, and the caller wants to know.
async fn ask(
    handle: &WatcherHandle,
    events: &mut Receiver<MailEvent>,
    command: MailCommand,
    dialogue: &Dialogue,
    host: &mut Host,
    wire: &Wire,
    stop_when_cut: bool,
) -> Result<Option<Result<warmnet_node::mail::ActReport, warmnet_node::mail::ActError>>, String> {
    let ticket = command.ticket;
    handle.commands.send(command).await.map_err(|_| "the watcher is gone".to_owned())?;
    wire.asked.close();
    loop {
        match next(events).await? {
            MailEvent::Found(mail) => host.found(dialogue, &mail),
            MailEvent::ActDone { ticket: t, result } if t == ticket => return Ok(Some(result)),
            MailEvent::Disconnected { .. } if stop_when_cut => return Ok(None),
            MailEvent::SignInRefused => return Err("the sign-in was refused".to_owned()),
            _ => {}
        }
    }
}

async fn next(events: &mut Receiver<MailEvent>) -> Result<MailEvent, String> {
    let event = timeout(LIMIT, events.recv()).await.map_err(|_| "nothing happened for a minute".to_owned())?;
    event.ok_or_else(|| "the watcher ended".to_owned())
}

async fn wait_for(mut done: impl FnMut() -> bool) -> Result<(), String> {
    let look = async {
        while !done() {
            sleep(Duration::from_millis(2)).await;
        }
    };
    timeout(LIMIT, look).await.map_err(|_| "the server never went idle".to_owned())
}

fn judge(dialogue: &Dialogue, before: &BTreeMap<String, Folder>, mailbox: &Mailbox, host: &Host, log: &Log, report: &mut Report) {
    let after = mailbox.folders();
    for ours in dialogue.labelled() {
        whereabouts(dialogue, ours, &after, report);
        let wanted = match ours.lies {
            Role::Junk => FolderRole::Junk,
            Role::Sent => FolderRole::Sent,
            _ => FolderRole::Inbox,
        };
        if host.recorded.get(ours.id) != Some(&vec![wanted]) {
            report.recorded_wrong += 1;
            report.problems.push(format!("{} lay in {wanted:?} and was recorded as {:?}", ours.id, host.recorded.get(ours.id)));
        }
    }
    let foreign = |folders: &BTreeMap<String, Folder>| -> Vec<(String, Mail)> {
        let all = folders.iter().flat_map(|(name, f)| f.mails.iter().map(move |m| (name.clone(), m.clone())));
        all.filter(|(_, m)| m.origin == Origin::Foreign).collect()
    };
    let same = |a: &(String, Mail), b: &(String, Mail)| a.0 == b.0 && a.1.uid == b.1.uid && a.1.flags == b.1.flags && a.1.raw == b.1.raw;
    let (was, is) = (foreign(before), foreign(&after));
    let touched = log.foreign.lock().expect("whole");
    if was.len() != is.len() || !was.iter().zip(&is).all(|(a, b)| same(a, b)) || !touched.is_empty() {
        report.foreign += 1;
        report.problems.push(format!("foreign mail was touched: {touched:?}"));
    }
    let mut counts: BTreeMap<String, (u32, Done)> = BTreeMap::new();
    for done in log.ours.lock().expect("whole").iter() {
        // COPY without MOVE marks a mail for removal: once more is no harm, the mark is the same.
        if done.1 != Act::Flag {
            counts.entry(format!("{done:?}")).or_insert((0, done.clone())).0 += 1;
        }
    }
    for (n, done) in counts.into_values().filter(|(n, _)| *n > 1) {
        report.doubled += 1;
        report.problems.push(format!("{n} times: {done:?}"));
    }
}

/// A mail of ours must be where it belongs, once, and nowhere else.
fn whereabouts(dialogue: &Dialogue, ours: &Ours, after: &BTreeMap<String, Folder>, report: &mut Report) {
    let is_it = |m: &&Mail| m.origin == Origin::Warm && message_id(&m.raw) == format!("<{}>", ours.id);
    let places: Vec<(Role, &Mail)> =
        after.values().filter(|f| f.role != Role::All).flat_map(|f| f.mails.iter().filter(is_it).map(|m| (f.role, m))).collect();
    let copies = places.iter().filter(|(role, _)| *role == ours.ends).count();
    if copies == 0 {
        report.lost += 1;
        report.problems.push(format!("{} is not where it belongs but in {:?}", ours.id, places.iter().map(|p| p.0).collect::<Vec<_>>()));
    }
    if copies > 1 || places.len() > copies.max(1) {
        report.doubled += 1;
        report.problems.push(format!("{} is in {:?}", ours.id, places.iter().map(|p| p.0).collect::<Vec<_>>()));
    }
    if ours.acts.contains(&MailAct::MarkSeen) && places.iter().any(|(_, m)| !m.flags.contains(r"\Seen")) {
        report.lost += 1;
        report.problems.push(format!("{} was not marked read", ours.id));
    }
    let in_all = after.values().filter(|f| f.role == Role::All).flat_map(|f| f.mails.iter().filter(is_it)).count();
    if dialogue.flavor == warmnet_sim::provider::config::Flavor::Gmail && in_all != 1 {
        report.lost += 1;
        report.problems.push(format!("{} is {in_all} times in All Mail", ours.id));
    }
}
