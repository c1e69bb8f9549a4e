//! The one loop that owns the engine. Everything slow runs in tasks and comes back as [`Feedback`].
//!
//! ```text
//!  libp2p events ─┐                      ┌─> store (own bundles synced before they are published)
//!  mail events  ──┼─> Driver ── engine ──┼─> network: publish, request, answer
//!  feedback     ──┤   (one task)         └─> mailbox tasks: submit, act
//!  control      ──┘
//! ```
//! The driver never waits for a task, so a task may always wait for the driver. What nodes ask each other is in `questions.rs`,
//! what the owner asks in `owner.rs`.

use super::authority::{Authority, AuthorityOutput, EnrolmentAuth};
use super::clock;
use super::feedback::Feedback;
use super::mailboxes::{MailFound, Mailboxes};
use super::peers::Peers;
use super::persist::Persist;
use super::reports::Reports;
use super::settings::Settings;
use super::status;
use super::unheard::Unheard;
use crate::control::Served;
use crate::p2p::{Acceptance as GossipAcceptance, NetworkEvent, NetworkHandle, PublishError};
use crate::store::Batch;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use warmnet_protocol::engine::{Engine, GoBack, Input, Output, ToStore};
use warmnet_protocol::gossip::Acceptance;
use warmnet_protocol::ids::{MemberId, NodeId};
use warmnet_protocol::time::Epoch;
use warmnet_protocol::wire::sync::{Request, Response};

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
    pub unheard: Unheard,
    /// Room for questions that are answered from the store.
    pub readers: Arc<Semaphore>,
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
                () = tokio::time::sleep(sleep) => {
                    self.engine.handle(clock::now(), Input::Wake);
                    self.say_again().await;
                }
                Some(_) = self.tasks.join_next(), if !self.tasks.is_empty() => {}
            }
        }
        self.tasks.shutdown().await;
        self.mailboxes.close().await;
        self.network.shutdown().await;
        Ok(())
    }

    /// Lets go of a mailbox that left.
    pub(super) fn let_go(&mut self, member: MemberId) {
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
        let (mut batch, mut others, mut newer) = (Batch::new(), Vec::new(), false);
        while let Some(output) = self.engine.poll() {
            match output {
                // Removes what was stored before it, and not what comes after.
                Output::GoBack { epoch, cause } => {
                    self.persist.write(std::mem::take(&mut batch)).map_err(DriverError::Store)?;
                    self.go_back(epoch, cause)?;
                }
                Output::Store(what) => {
                    match what {
                        ToStore::Roster { epoch } => self.ask_contacts(epoch),
                        ToStore::Record { .. } => newer = true,
                        _ => {}
                    }
                    self.persist.collect(&self.engine, what, &mut batch);
                }
                output => others.push(output),
            }
        }
        self.persist.write(batch).map_err(DriverError::Store)?;
        if newer {
            self.prune()?;
        }
        Ok(others)
    }

    async fn carry_out(&mut self, output: Output) -> Result<(), DriverError> {
        match output {
            Output::Verdict { token, verdict, refusal } => {
                let acceptance = match verdict.acceptance {
                    Acceptance::Accept => GossipAcceptance::Accept,
                    Acceptance::Ignore => GossipAcceptance::Ignore,
                    Acceptance::Reject => GossipAcceptance::Reject,
                };
                if let Some((message, source)) = self.peers.take_message(token) {
                    closed(self.network.verdict(message, acceptance).await)?;
                    if let Some(refusal) = refusal.filter(|_| verdict.penalty > 0) {
                        // A rejection costs gossip score by itself; the log says who and by which rule, for the owner.
                        tracing::debug!(peer = %source.short(), penalty = verdict.penalty, %refusal, "a message was rejected");
                    }
                }
            }
            Output::Publish { topic, bytes } => self.publish(topic.into(), bytes).await,
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
                    self.engine.handle(clock::now(), Input::OwnBundleStored(bytes));
                }
            }
            Output::LeftAlone { member, reason } => {
                tracing::debug!(member = %member.short(), reason, "a labelled mail was left alone");
            }
            Output::Derived { epoch } => self.on_derived(epoch).await?,
            // Done by `store`.
            Output::Store(_) | Output::GoBack { .. } => {}
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
        Ok(())
    }

    /// Drops what is too old, once a record: by the newest one's epoch, so that a node that can't derive doesn't grow either.
    fn prune(&mut self) -> Result<(), DriverError> {
        let next = self.engine.chain().next_epoch();
        self.persist.prune(next).map_err(DriverError::Store)?;
        let Some(before) = Persist::kept_from(self.engine.chain(), next) else { return Ok(()) };
        let (persist, feedback) = (self.persist.clone(), self.feedback.clone());
        self.tasks.spawn(async move {
            let store = persist.store().clone();
            if let Err(error) = store.blocking(move |_| persist.prune_journal(before)).await {
                // The driver is gone only when the node stops.
                let _stopped = feedback.send(Feedback::StoreFailed(error.to_string())).await;
            }
        });
        Ok(())
    }

    /// Gossip that reaches nobody now is said again later; what even then is lost others fetch: sync closes every gap.
    async fn publish(&mut self, topic: crate::p2p::Topic, bytes: Vec<u8>) {
        if !self.say(topic, &bytes).await {
            self.unheard.keep(topic, bytes);
        }
    }

    /// Publishes; `false` when no peer is there for it.
    async fn say(&self, topic: crate::p2p::Topic, bytes: &[u8]) -> bool {
        match self.network.publish(topic, bytes.to_vec()).await {
            Ok(()) => true,
            Err(PublishError::NoPeers | PublishError::QueuesFull) => false,
            Err(error) => {
                tracing::debug!(%error, "not published");
                true
            }
        }
    }

    /// Says what nobody heard again, until nobody hears one once more.
    async fn say_again(&mut self) {
        while let Some((topic, bytes)) = self.unheard.next() {
            if !self.say(topic, &bytes).await {
                return self.unheard.put_back(topic, bytes);
            }
        }
    }

    async fn on_network(&mut self, event: NetworkEvent) {
        let now = clock::now();
        match event {
            NetworkEvent::Gossip { token, topic, source, data } => {
                let token = self.peers.keep_message(token, NodeId(source));
                self.engine.handle(now, Input::Gossip { token, topic: topic.into(), bytes: data });
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
}

fn closed(result: Result<(), crate::p2p::ClosedError>) -> Result<(), DriverError> {
    result.map_err(|_| DriverError::Network)
}
