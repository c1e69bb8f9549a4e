//! The one loop that owns the engine. Everything slow runs in tasks and comes back as [`Feedback`].
//!
//! ```text
//!  libp2p events ─┐                      ┌─> store (own bundles synced before they are published)
//!  mail events  ──┼─> Driver ── engine ──┼─> network: publish, request, answer
//!  feedback     ──┤   (one task)         └─> mailbox tasks: submit, act
//!  control      ──┘
//! ```
//! The driver never waits for a task, so a task may always wait for the driver.

use super::authority::{Authority, AuthorityOutput, EnrolmentAuth};
use super::clock;
use super::explain;
use super::feedback::Feedback;
use super::mailboxes::{MailFound, Mailboxes};
use super::peers::Peers;
use super::persist::Persist;
use super::reports::Reports;
use super::settings::Settings;
use super::status;
use crate::control::{Answer, Request as ControlRequest, Served};
use crate::p2p::{Acceptance as GossipAcceptance, NetworkEvent, NetworkHandle};
use crate::store::Batch;
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use warmnet_protocol::engine::{Engine, GoBack, Input, Output, Want};
use warmnet_protocol::gossip::Acceptance;
use warmnet_protocol::ids::{MemberId, NodeId};
use warmnet_protocol::wire::codec;
use warmnet_protocol::wire::sync::{Request, Response};
use warmnet_protocol::{limits, time::Epoch, time::Timestamp};

/// Tasks that may run at a time; beyond it requests fail at once and are tried again by the engine.
const TASKS: usize = 512;
/// Messages of the network handled before their outputs are carried out: what they store is one write.
const MESSAGES_AT_ONCE: usize = 64;
/// Longest sleep: a clock that was set forward is noticed within this time.
const LONGEST_SLEEP: Duration = Duration::from_secs(5);

/// Receivers of everything that goes in.
pub(super) struct Inlets {
    pub network: mpsc::Receiver<NetworkEvent>,
    pub mail: mpsc::Receiver<MailFound>,
    pub feedback: mpsc::Receiver<Feedback>,
    pub control: mpsc::Receiver<Served>,
}

/// The driver and all it owns.
pub(super) struct Driver {
    pub engine: Engine,
    pub network: NetworkHandle,
    pub persist: Persist,
    pub mailboxes: Mailboxes,
    pub settings: Settings,
    pub peers: Peers,
    pub feedback: mpsc::Sender<Feedback>,
    pub authority: Option<Box<dyn Authority>>,
    pub status: status::Facts,
    pub reports: Reports,
    pub tasks: JoinSet<()>,
    pub stop: CancellationToken,
}

/// Why the driver ended by itself.
#[derive(Debug, thiserror::Error)]
pub enum DriverError {
    /// The store failed: going on could break a promise.
    #[error("the store failed: {0}")]
    Store(String),
    /// The network task ended.
    #[error("the network task ended")]
    Network,
}

impl Driver {
    /// Runs until `stop` is cancelled.
    ///
    /// # Errors
    /// [`DriverError`].
    pub(super) async fn run(mut self, mut inlets: Inlets) -> Result<(), DriverError> {
        loop {
            for member in self.settings.look(&mut self.engine) {
                self.let_go(member);
            }
            self.settle().await?;
            let sleep = self.sleep();
            tokio::select! {
                () = self.stop.cancelled() => break,
                event = inlets.network.recv() => match event {
                    Some(event) => {
                        self.on_network(event).await;
                        for _ in 1..MESSAGES_AT_ONCE {
                            let Ok(event) = inlets.network.try_recv() else { break };
                            self.on_network(event).await;
                        }
                    }
                    None => return Err(DriverError::Network),
                },
                Some(found) = inlets.mail.recv() => self.on_mail(found)?,
                Some(feedback) = inlets.feedback.recv() => self.on_feedback(feedback)?,
                Some(served) = inlets.control.recv() => self.on_control(served),
                () = tokio::time::sleep(sleep) => self.engine.handle(clock::now(), Input::Wake),
                Some(_) = self.tasks.join_next(), if !self.tasks.is_empty() => {}
            }
        }
        self.tasks.shutdown().await;
        self.mailboxes.close().await;
        self.network.shutdown().await;
        Ok(())
    }

    /// Lets go of a mailbox that left.
    fn let_go(&mut self, member: MemberId) {
        self.mailboxes.let_go(member, &mut self.tasks);
        self.status.forget(member);
    }

    fn sleep(&self) -> Duration {
        let now = clock::now();
        let authority = self.authority.as_ref().and_then(|a| a.next_wake(now, self.engine.chain()));
        let next = [self.engine.next_wake(), authority].into_iter().flatten().min();
        let ms = next.map_or(i64::MAX, |t| t.0 - now.0).max(0);
        Duration::from_millis(u64::try_from(ms).unwrap_or(0)).min(LONGEST_SLEEP)
    }

    /// Carries out outputs until there is none, the authority's too.
    async fn settle(&mut self) -> Result<(), DriverError> {
        loop {
            loop {
                let outputs = self.store()?;
                if outputs.is_empty() {
                    break;
                }
                for output in outputs {
                    self.carry_out(output).await?;
                }
            }
            let now = clock::now();
            let Some(authority) = &mut self.authority else { return Ok(()) };
            let outputs = authority.tick(now, self.engine.chain());
            if outputs.is_empty() {
                return Ok(());
            }
            for output in outputs {
                match output {
                    AuthorityOutput::Record(record, roster) => self.engine.handle(now, Input::OwnRecord { record, roster }),
                    AuthorityOutput::Notice(notice) => self.engine.handle(now, Input::OwnNotice(notice)),
                    AuthorityOutput::SyncBundles(epoch) => self.ask_all(epoch),
                }
            }
        }
    }

    /// Stores all that the engine's outputs say to store in one write, and returns the others: nothing is done or said before
    /// what it stands on is stored.
    fn store(&mut self) -> Result<Vec<Output>, DriverError> {
        let (mut batch, mut others) = (Batch::new(), Vec::new());
        while let Some(output) = self.engine.poll() {
            match output {
                // Removes what was stored before it, and not what comes after.
                Output::GoBack { epoch, cause } => {
                    self.persist.write(std::mem::take(&mut batch)).map_err(DriverError::Store)?;
                    self.go_back(epoch, cause)?;
                }
                output => {
                    if let Output::StoreRoster { epoch } = output {
                        self.ask_contacts(epoch);
                    }
                    others.extend(self.persist.collect(&self.engine, output, &mut batch));
                }
            }
        }
        self.persist.write(batch).map_err(DriverError::Store)?;
        Ok(others)
    }

    async fn carry_out(&mut self, output: Output) -> Result<(), DriverError> {
        match output {
            Output::Verdict { token, verdict } => {
                let acceptance = match verdict.acceptance {
                    Acceptance::Accept => GossipAcceptance::Accept,
                    Acceptance::Ignore => GossipAcceptance::Ignore,
                    Acceptance::Reject => GossipAcceptance::Reject,
                };
                if let Some((message, source)) = self.peers.take_message(token) {
                    closed(self.network.verdict(message, acceptance).await)?;
                    if verdict.penalty > 0 {
                        // A rejection costs gossip score by itself; the log says who, for the owner.
                        tracing::debug!(peer = %source.short(), penalty = verdict.penalty, "a message was rejected");
                    }
                }
            }
            Output::Publish { topic, bytes } => self.publish(gossip_topic(topic), bytes).await,
            Output::Ask(want) => self.ask(want),
            Output::Introduce { exchange, node, request } => {
                let request = Request::Introduce(request);
                self.request(node, request, move |response| {
                    let answer = match response {
                        Some(Response::Introduced(answer)) => Some(answer),
                        _ => None,
                    };
                    Input::IntroductionAnswer { exchange, answer }
                });
            }
            Output::IntroductionAnswer { token, answer } => {
                if let Some(response) = self.peers.take_request(token) {
                    self.respond(response, &Response::Introduced(answer)).await;
                }
            }
            Output::Send(task) => self.mailboxes.send(*task, &self.persist, &self.feedback, &mut self.tasks),
            Output::Act { member, exchange, turn, message_id, act } => {
                if !self.mailboxes.act(member, exchange, turn, message_id, act) {
                    self.engine.handle(clock::now(), Input::Acted { exchange, turn, act, done: false });
                }
            }
            Output::Enrol { member, request } => {
                let coordinator = self.engine.chain().genesis().coordinator;
                self.request(coordinator, *request, move |response| {
                    let answer = match response {
                        Some(Response::Enrolment(answer)) => Some(answer),
                        _ => None,
                    };
                    Input::EnrolmentAnswer { member, answer }
                });
            }
            Output::MailToken { member, golden, token } => {
                self.mailboxes.send_token(member, golden, token, &self.persist, &self.feedback, &mut self.tasks);
            }
            Output::OwnBundle { epoch, member, bytes } => {
                if self.persist.own_bundle(epoch, member, &bytes).await.map_err(DriverError::Store)? {
                    self.publish(crate::p2p::Topic::Bundles, bytes).await;
                }
            }
            Output::LeftAlone { member, reason } => {
                tracing::debug!(member = %member.short(), reason, "a labelled mail was left alone");
            }
            Output::Derived { epoch } => self.on_derived(epoch).await?,
            // Done by `store`.
            Output::GoBack { .. }
            | Output::StoreRecord { .. }
            | Output::StoreRoster { .. }
            | Output::StoreBundle { .. }
            | Output::StoreExchange { .. }
            | Output::StoreApplication { .. }
            | Output::StoreReport { .. } => {}
        }
        Ok(())
    }

    /// Undoes what was derived from records that are void or overruled.
    fn go_back(&mut self, epoch: Epoch, cause: GoBack) -> Result<(), DriverError> {
        match &cause {
            GoBack::Forked(_) => {
                tracing::error!(epoch = epoch.0, "two records contradict each other: both are void until the root key decides")
            }
            GoBack::Overruled(_) => tracing::warn!(epoch = epoch.0, "a record was overruled by one under a later certificate"),
        }
        self.persist.go_back(epoch, cause).map_err(DriverError::Store)?;
        let refolded = self.engine.refold(clock::now(), epoch, &mut self.persist.stored());
        refolded.map_err(|e| DriverError::Store(e.to_string()))
    }

    async fn on_derived(&mut self, epoch: Epoch) -> Result<(), DriverError> {
        let chain = self.engine.chain();
        if let Some(digests) = chain.derived().map(|d| d.digests) {
            tracing::info!(record = epoch.0, closes = digests.closes.map(|e| e.0), agrees = digests.matches_record, "record derived");
        }
        for (node, score) in self.peers.application_scores(chain) {
            closed(self.network.set_application_score(node, score).await)?;
        }
        self.persist.prune(&self.engine).map_err(DriverError::Store)
    }

    /// Sends a request in a task of its own; `into` makes the engine's input of the response (`None`: no answer).
    fn request(&mut self, node: NodeId, request: Request, into: impl FnOnce(Option<Response>) -> Input + Send + 'static) {
        if self.tasks.len() >= TASKS {
            self.engine.handle(clock::now(), into(None));
            return;
        }
        let (feedback, network) = (self.feedback.clone(), self.network.clone());
        self.tasks.spawn(async move {
            let answer = response(&network, node, &request).await;
            // The driver is gone only when the node stops.
            let _stopped = feedback.send(Feedback::Engine(Box::new(into(answer)))).await;
        });
    }

    fn ask(&mut self, want: Want) {
        let coordinator = self.engine.chain().genesis().coordinator;
        let Some(node) = self.peers.next_to_ask(coordinator) else {
            return self.engine.handle(clock::now(), Input::NoAnswer { want });
        };
        self.ask_node(node, want);
    }

    fn ask_node(&mut self, node: NodeId, want: Want) {
        let request = want.request();
        self.request(node, request, move |response| match response {
            Some(response) => Input::Answer { want, response },
            None => Input::NoAnswer { want },
        });
    }

    /// Asks a peer where the roster's nodes are that this node is not connected to; the network dials them by itself.
    fn ask_contacts(&mut self, epoch: Epoch) {
        let own = self.engine.node_id();
        let Some(roster) = self.engine.chain().roster(epoch).cloned() else { return };
        let nodes: BTreeSet<NodeId> = roster.rows().iter().map(|r| r.node).collect();
        let unknown = nodes.into_iter().filter(|n| *n != own && !self.peers.is_connected(n));
        let nodes: Vec<NodeId> = unknown.take(limits::CONTACTS).collect();
        let Some(peer) = self.peers.next_to_ask(self.engine.chain().genesis().coordinator) else { return };
        if nodes.is_empty() || self.tasks.len() >= TASKS {
            return;
        }
        let network = self.network.clone();
        self.tasks.spawn(async move {
            let request = Request::Contacts { nodes: nodes.clone() };
            let Some(Response::Contacts(found)) = response(&network, peer, &request).await else { return };
            for (node, addresses) in found.into_iter().filter(|(node, _)| nodes.contains(node)) {
                // The network is gone only when the node stops.
                let _stopped = network.add_address(node.0, addresses).await;
            }
        });
    }

    /// Asks every connected peer for the bundles of an epoch that are missing here.
    fn ask_all(&mut self, epoch: Epoch) {
        let Some(have) = self.engine.chain().have(epoch) else { return };
        for node in self.peers.connected() {
            self.ask_node(node, Want::Bundles(epoch, have.clone()));
        }
    }

    async fn respond(&self, token: crate::p2p::ResponseToken, response: &Response) {
        if let Err(error) = self.network.respond(token, codec::encode(response)).await {
            tracing::debug!(%error, "a response did not reach its asker");
        }
    }

    /// Gossip that reaches nobody now is fetched by others later: sync closes every gap.
    async fn publish(&self, topic: crate::p2p::Topic, bytes: Vec<u8>) {
        if let Err(error) = self.network.publish(topic, bytes).await {
            tracing::debug!(%error, "not published");
        }
    }

    async fn on_network(&mut self, event: NetworkEvent) {
        let now = clock::now();
        match event {
            NetworkEvent::Gossip { token, topic, source, data } => {
                let token = self.peers.keep_message(token, NodeId(source));
                self.engine.handle(now, Input::Gossip { token, topic: engine_topic(topic), bytes: data });
            }
            NetworkEvent::Request { token, from, data } => self.on_request(now, token, NodeId(from), &data).await,
            NetworkEvent::PeerConnected { node } => {
                self.peers.connected_to(NodeId(node));
                self.engine.handle(now, Input::PeerConnected);
            }
            NetworkEvent::PeerDisconnected { node } => self.peers.disconnected_from(&NodeId(node)),
            NetworkEvent::Listening { .. } => tracing::info!("listening"),
        }
    }

    async fn on_request(&mut self, now: Timestamp, token: crate::p2p::ResponseToken, from: NodeId, data: &[u8]) {
        let Ok(request) = codec::decode::<Request>(data, limits::REQUEST_BYTES) else {
            return self.respond(token, &Response::Refused { reason: "the request could not be read".into() }).await;
        };
        match request {
            Request::Introduce(request) => {
                let token = self.peers.keep_request(token);
                self.engine.handle(now, Input::Introduction { token, from, request });
                // Answered by the next `settle`; a stuck one would time out at the asker.
            }
            request @ (Request::Apply(_) | Request::Confirm { .. } | Request::Leave(_)) => {
                let response = match &mut self.authority {
                    Some(authority) => Response::Enrolment(authority.enrol(now, from, request, self.engine.chain())),
                    None => Response::Refused { reason: "this node is not the coordinator".into() },
                };
                self.respond(token, &response).await;
            }
            Request::Contacts { nodes } => {
                let mut found = Vec::new();
                for node in nodes.into_iter().take(limits::CONTACTS) {
                    let mut addresses = self.network.known_addresses(node.0).await.unwrap_or_default();
                    addresses.truncate(limits::CONTACT_ADDRESSES);
                    found.push((node, addresses));
                }
                self.respond(token, &Response::Contacts(found)).await;
            }
            Request::Notices => self.respond(token, &Response::Notices(self.engine.pending_notices())).await,
            read => {
                let response = self.persist.answer(&self.engine, &read);
                self.respond(token, &response).await;
            }
        }
    }

    fn on_mail(&mut self, found: MailFound) -> Result<(), DriverError> {
        let now = clock::now();
        match found {
            MailFound::Labelled(mail, place) => {
                self.mailboxes.remember(mail.member, mail.message_id.clone(), place);
                self.engine.handle(now, Input::MailFound(mail));
            }
            MailFound::Answered { member, answers } => self.engine.handle(now, Input::Answered { member, answers }),
            MailFound::Code { member, code } => self.engine.handle(now, Input::CodeFound { member, code }),
            MailFound::Report { member, arrived } => {
                let taken = self.reports.take(&self.engine, now, member, &arrived);
                if let Some(book) = taken.book {
                    self.persist.put_book(member, &book).map_err(DriverError::Store)?;
                }
                for input in taken.inputs {
                    self.engine.handle(now, input);
                }
            }
            MailFound::Token { golden, from, token, auth } => {
                let Some(authority) = &mut self.authority else { return Ok(()) };
                let auth = EnrolmentAuth { spf: auth[0], dkim: auth[1], dmarc: auth[2] };
                if let Some(code) = authority.enrolment_mail(now, golden, &from, token, auth) {
                    self.mailboxes.send_code(golden, from, code, &self.persist, &self.feedback, &mut self.tasks);
                }
            }
        }
        Ok(())
    }

    fn on_feedback(&mut self, feedback: Feedback) -> Result<(), DriverError> {
        let now = clock::now();
        match feedback {
            Feedback::Engine(input) => self.engine.handle(now, *input),
            Feedback::Acted { ticket, done } => {
                if let Some(t) = self.mailboxes.take_ticket(ticket) {
                    self.engine.handle(now, Input::Acted { exchange: t.exchange, turn: t.turn, act: t.act, done });
                }
            }
            Feedback::SignInRefused(member) => self.status.sign_in_refused(member),
            Feedback::Mailbox(member, state) => self.status.mailbox(member, state),
            Feedback::Quota(member, percent) => self.status.quota(member, percent),
            Feedback::Alarm(member, what) => self.status.alarm(member, what),
            Feedback::StoreFailed(why) => return Err(DriverError::Store(why)),
        }
        Ok(())
    }

    fn on_control(&mut self, served: Served) {
        let now = clock::now();
        let answer = match &served.request {
            ControlRequest::Status => {
                Answer::data(&status::status(&self.engine, &self.status, &self.reports, &self.peers, &self.mailboxes, now))
            }
            ControlRequest::Score { member } => {
                explain::answer(&self.engine, &self.mailboxes, member.as_deref(), limits::HOSTED_MEMBERS, status::score)
            }
            ControlRequest::ScoreExplain { member } => {
                explain::answer(&self.engine, &self.mailboxes, member.as_deref(), explain::EXPLAINED_MEMBERS, explain::score)
            }
            ControlRequest::PolicyExplain { member } => {
                let today = explain::Today::of(self.engine.chain());
                let policy = |engine: &Engine, member: &MemberId| explain::policy(engine, &today, &self.mailboxes, member);
                explain::answer(&self.engine, &self.mailboxes, member.as_deref(), explain::EXPLAINED_MEMBERS, policy)
            }
            ControlRequest::Peers => Answer::data(&self.peers.report()),
            ControlRequest::External { mailbox, report } => match self.mailboxes.member_of(mailbox) {
                Some(member) => {
                    self.engine.handle(now, Input::External { member, report: *report });
                    Answer::ok()
                }
                None => Answer::error("unknown_mailbox", "this node does not host that mailbox", "see `warmnet-node mailbox list`"),
            },
            ControlRequest::Reload => match self.settings.reload(&mut self.engine) {
                Ok(left) => {
                    left.into_iter().for_each(|member| self.let_go(member));
                    Answer::ok()
                }
                Err(e) => Answer::error("config", &e.to_string(), "correct the file; the last settings stay in force"),
            },
            ControlRequest::Stop => {
                self.stop.cancel();
                Answer::ok()
            }
            ControlRequest::Other(value) => {
                let own = self.authority.as_mut().and_then(|a| a.control(now, value, self.engine.chain()));
                match own {
                    Some(Ok(data)) => Answer::data(&data),
                    Some(Err(why)) => Answer::error("refused", &why, "see the command's --help"),
                    None => Answer::error("unknown_command", "this program does not know that request", "see --help"),
                }
            }
        };
        served.reply(answer);
    }
}

/// Asks a node; `None`, with a line in the log, when it gives no answer that can be read.
async fn response(network: &NetworkHandle, node: NodeId, request: &Request) -> Option<Response> {
    match network.request(node.0, codec::encode(request)).await {
        Ok(bytes) => codec::decode(&bytes, limits::RESPONSE_BYTES).ok(),
        Err(error) => {
            tracing::debug!(node = %node.short(), %error, "no answer");
            None
        }
    }
}

fn closed(result: Result<(), crate::p2p::ClosedError>) -> Result<(), DriverError> {
    result.map_err(|_| DriverError::Network)
}

fn gossip_topic(topic: warmnet_protocol::gossip::Topic) -> crate::p2p::Topic {
    use warmnet_protocol::gossip::Topic;
    match topic {
        Topic::Records => crate::p2p::Topic::Records,
        Topic::Bundles => crate::p2p::Topic::Bundles,
        Topic::Notices => crate::p2p::Topic::Notices,
        Topic::Faults => crate::p2p::Topic::Faults,
    }
}

fn engine_topic(topic: crate::p2p::Topic) -> warmnet_protocol::gossip::Topic {
    use warmnet_protocol::gossip::Topic;
    match topic {
        crate::p2p::Topic::Records => Topic::Records,
        crate::p2p::Topic::Bundles => Topic::Bundles,
        crate::p2p::Topic::Notices => Topic::Notices,
        crate::p2p::Topic::Faults => Topic::Faults,
    }
}
