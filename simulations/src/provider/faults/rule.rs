//! One fault of the file.

use super::At;
use super::strike::{End, Strike};
use imap_codec::imap_types::command::CommandBody;
use serde::Deserialize;
use smtp_proto::Request;
use std::time::Duration;

/// Longest delay: longer than any time-out of the protocols.
const MAX_DELAY_MS: u64 = 3_600_000;

/// A server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Service {
    /// Submission: users hand in their mail.
    Smtp,
    /// Another provider hands on mail.
    Mx,
    /// Users read their mail.
    Imap,
}

/// A step of a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Step {
    /// The server's first words.
    Greeting,
    /// EHLO or HELO.
    Ehlo,
    /// STARTTLS.
    Starttls,
    /// AUTH, once user and password were read.
    Auth,
    /// MAIL FROM.
    Mail,
    /// RCPT TO.
    Rcpt,
    /// DATA, up to the go-ahead.
    Data,
    /// The answer to the final dot.
    Message,
    /// RSET.
    Rset,
    /// NOOP.
    Noop,
    /// QUIT.
    Quit,
    /// CAPABILITY.
    Capability,
    /// LOGIN or AUTHENTICATE, once user and password were read.
    Login,
    /// ID.
    Id,
    /// NAMESPACE.
    Namespace,
    /// LIST or LSUB.
    List,
    /// STATUS.
    Status,
    /// SELECT or EXAMINE.
    Select,
    /// CREATE.
    Create,
    /// APPEND.
    Append,
    /// IDLE: before the go-ahead, or with `carried_out` the answer to DONE.
    Idle,
    /// SEARCH or UID SEARCH.
    Search,
    /// FETCH or UID FETCH.
    Fetch,
    /// STORE or UID STORE.
    Store,
    /// COPY or UID COPY.
    Copy,
    /// MOVE or UID MOVE.
    Move,
    /// EXPUNGE or UID EXPUNGE.
    Expunge,
    /// LOGOUT.
    Logout,
}

impl Step {
    /// The step of an SMTP request, as far as it is one.
    pub(in crate::provider) fn of_request<T>(request: &Request<T>) -> Option<Self> {
        Some(match request {
            Request::Ehlo { .. } | Request::Helo { .. } => Self::Ehlo,
            Request::StartTls => Self::Starttls,
            Request::Auth { .. } => Self::Auth,
            Request::Mail { .. } => Self::Mail,
            Request::Rcpt { .. } => Self::Rcpt,
            Request::Data => Self::Data,
            Request::Rset => Self::Rset,
            Request::Noop { .. } => Self::Noop,
            Request::Quit => Self::Quit,
            _ => return None,
        })
    }

    /// The step of an IMAP command, as far as it is one.
    pub(in crate::provider) fn of_command(body: &CommandBody<'_>) -> Option<Self> {
        Some(match body {
            CommandBody::StartTLS => Self::Starttls,
            CommandBody::Noop => Self::Noop,
            CommandBody::Capability => Self::Capability,
            CommandBody::Login { .. } | CommandBody::Authenticate { .. } => Self::Login,
            CommandBody::Id { .. } => Self::Id,
            CommandBody::Namespace => Self::Namespace,
            CommandBody::List { .. } | CommandBody::Lsub { .. } => Self::List,
            CommandBody::Status { .. } => Self::Status,
            CommandBody::Select { .. } | CommandBody::Examine { .. } => Self::Select,
            CommandBody::Create { .. } => Self::Create,
            CommandBody::Append { .. } => Self::Append,
            CommandBody::Idle => Self::Idle,
            CommandBody::Search { .. } => Self::Search,
            CommandBody::Fetch { .. } => Self::Fetch,
            CommandBody::Store { .. } => Self::Store,
            CommandBody::Copy { .. } => Self::Copy,
            CommandBody::Move { .. } => Self::Move,
            CommandBody::Expunge | CommandBody::ExpungeUid { .. } => Self::Expunge,
            CommandBody::Logout => Self::Logout,
            _ => return None,
        })
    }

    fn name(self) -> String {
        format!("{self:?}").to_ascii_lowercase()
    }
}

impl Service {
    fn steps(self) -> &'static [Step] {
        use Step::{
            Append, Auth, Capability, Copy, Create, Data, Ehlo, Expunge, Fetch, Greeting, Id, Idle, List, Login, Logout, Mail, Message,
            Move, Namespace, Noop, Quit, Rcpt, Rset, Search, Select, Starttls, Status, Store,
        };
        match self {
            Self::Smtp => &[Greeting, Ehlo, Starttls, Auth, Mail, Rcpt, Data, Message, Rset, Noop, Quit],
            Self::Mx => &[Greeting, Ehlo, Mail, Rcpt, Data, Message, Rset, Noop, Quit],
            Self::Imap => &[
                Greeting, Starttls, Capability, Login, Id, Namespace, List, Status, Select, Create, Append, Idle, Search, Fetch, Store,
                Copy, Move, Expunge, Noop, Logout,
            ],
        }
    }

    /// Whether the mailbox may be known at a step: nobody has signed in before.
    fn knows_mailbox(self, step: Step) -> bool {
        match self {
            Self::Smtp | Self::Imap => !matches!(step, Step::Greeting | Step::Ehlo | Step::Starttls),
            Self::Mx => matches!(step, Step::Rcpt | Step::Data | Step::Message),
        }
    }
}

fn always() -> f64 {
    1.0
}

/// One fault; unknown keys are refused.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// At which server.
    pub service: Service,
    /// At which step.
    pub step: Step,
    /// Only at this provider.
    pub provider: Option<String>,
    /// Only for this mailbox: the one signed in, or the recipient where another provider hands on mail.
    pub mailbox: Option<String>,
    /// Lets the step pass this often first.
    #[serde(default)]
    pub after: u64,
    /// Happens this often at most; absent: as long as the emulator runs.
    pub count: Option<u64>,
    /// Happens with this probability each time, by the file's seed.
    #[serde(default = "always")]
    pub chance: f64,
    /// The mail goes on with these words instead of its text, as if its author had written them: at `smtp` they are signed.
    pub words: Option<String>,
    /// Says this instead of the answer. Several lines: with `\n` between them. IMAP: the tag is put in front, unless the
    /// line begins with `*` or `+`.
    pub reply: Option<String>,
    /// Does what was asked for all the same, before `reply`, `close` or `hang`.
    #[serde(default)]
    pub carried_out: bool,
    /// Waits so long before it answers.
    #[serde(default)]
    pub delay_ms: u64,
    /// Sends only so many bytes of the answer, then closes (or hangs).
    pub truncate: Option<usize>,
    /// Closes the connection behind the reply, without one at once.
    #[serde(default)]
    pub close: bool,
    /// Says nothing more, and keeps the connection.
    #[serde(default)]
    pub hang: bool,
}

impl Fault {
    /// Whether it makes sense; else why not, and what would.
    pub(super) fn check(&self) -> Result<(), String> {
        if !self.service.steps().contains(&self.step) {
            let steps: Vec<String> = self.service.steps().iter().map(|s| s.name()).collect();
            let service = format!("{:?}", self.service).to_ascii_lowercase();
            return Err(format!("{service} has no step `{}`; its steps: {}", self.step.name(), steps.join(", ")));
        }
        if self.mailbox.is_some() && !self.service.knows_mailbox(self.step) {
            return Err(format!("nobody has named a mailbox yet at the step `{}`; name a `provider` instead", self.step.name()));
        }
        if !(0.0..=1.0).contains(&self.chance) {
            return Err("`chance` is a probability, from 0 to 1".to_owned());
        }
        if self.delay_ms > MAX_DELAY_MS {
            return Err(format!("`delay_ms` may be at most {MAX_DELAY_MS}, an hour"));
        }
        if self.close && self.hang {
            return Err("it can't both close and hang: keep one of them".to_owned());
        }
        if self.words.is_some() && self.step != Step::Message {
            return Err("`words` replace the text of a mail: they belong to the step `message`".to_owned());
        }
        let answers_as_ever = self.reply.is_none() && !self.close && !self.hang && self.delay_ms == 0 && self.truncate.is_none();
        if answers_as_ever && self.words.is_none() {
            return Err("nothing would happen: give one of words, reply, close, hang, delay_ms, truncate".to_owned());
        }
        if self.carried_out && self.reply.is_none() && !self.close && !self.hang {
            return Err("`carried_out` needs a reply, close or hang: otherwise everything is carried out anyway".to_owned());
        }
        self.reply.as_deref().map_or(Ok(()), |reply| self.check_reply(reply))
    }

    fn check_reply(&self, reply: &str) -> Result<(), String> {
        let lines: Vec<&str> = reply.lines().collect();
        if lines.is_empty() || reply.contains('\r') {
            return Err("`reply` must be one line or more, with `\\n` between them".to_owned());
        }
        let smtp = |(i, line): (usize, &&str)| {
            let b = line.as_bytes();
            let code = b.len() >= 3 && matches!(b[0], b'2'..=b'5') && b[1..3].iter().all(u8::is_ascii_digit);
            let mark = if i + 1 == lines.len() { b' ' } else { b'-' };
            code && (b.get(3) == Some(&mark) || (b.len() == 3 && mark == b' '))
        };
        let imap = |line: &&str| ["OK", "NO", "BAD", "*", "+"].contains(&line.split(' ').next().unwrap_or_default());
        let fine = match self.service {
            Service::Smtp | Service::Mx => lines.iter().enumerate().all(smtp),
            Service::Imap => lines.iter().all(imap),
        };
        match (fine, self.service) {
            (true, _) => Ok(()),
            (false, Service::Imap) => Err("an IMAP `reply` begins with OK, NO or BAD, or with * or + where no tag is wanted".to_owned()),
            (false, _) => {
                Err("an SMTP `reply` is a code and words, such as 451 4.7.1 later; all lines but the last as 451-4.7.1 ..".to_owned())
            }
        }
    }

    pub(super) fn fits(&self, at: At<'_>) -> bool {
        self.service == at.service
            && self.step == at.step
            && self.provider.as_deref().is_none_or(|p| p == at.provider)
            && self.mailbox.as_deref().is_none_or(|m| at.mailbox.is_some_and(|known| known.eq_ignore_ascii_case(m)))
    }

    pub(super) fn strike(&self) -> Strike {
        let end = match (self.hang, self.close || self.truncate.is_some()) {
            (true, _) => End::Hang,
            (false, true) => End::Close,
            (false, false) => End::GoOn,
        };
        Strike {
            words: self.words.clone(),
            reply: self.reply.clone(),
            carried_out: self.carried_out,
            delay: Duration::from_millis(self.delay_ms),
            truncate: self.truncate,
            end,
        }
    }
}
