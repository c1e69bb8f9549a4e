//! Words in replies that say more than their codes: pure, no memory of the text.
//!
//! Phrases as the providers document them or as they stand in published bounces; none of them was provoked live by this project.
//! An unknown phrase is no fault: the codes decide then.

/// What the words of a reply say.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Hint {
    /// Come back later: the server tests whether we queue.
    Greylisted,
    /// This account or address sends too much.
    SenderLimit,
    /// The recipient gets too much at the moment; the sender is fine.
    RecipientBusy,
    /// This account may not send, or not as this address.
    SenderRefused,
    /// Refused for what the provider thinks of the mail, the domain or the network.
    Policy,
    /// The way of signing in is refused.
    SignIn,
}

/// Phrases in lower case; the first that occurs counts, so that particular ones stand before general ones.
const PHRASES: &[(&str, Hint)] = &[
    // Gmail: 450 4.2.1 and 550 5.2.1 are said of the recipient.
    ("receiving mail too quickly", Hint::RecipientBusy),
    ("receiving mail at a rate", Hint::RecipientBusy),
    // Gmail: 550 5.4.5, 421 4.7.28, 550 5.7.28.
    ("daily user sending limit", Hint::SenderLimit),
    ("daily sending quota", Hint::SenderLimit),
    ("unusual rate of", Hint::SenderLimit),
    ("rate limited", Hint::SenderLimit),
    // Microsoft: 554 5.2.2 of a submission is no full mailbox; 550 5.1.90; 5.7.232 and 5.7.233.
    ("submissionquotaexceeded", Hint::SenderLimit),
    ("submission quota exceeded", Hint::SenderLimit),
    ("daily limit for message recipients", Hint::SenderLimit),
    ("external recipient rate limit", Hint::SenderLimit),
    ("sendasdenied", Hint::SenderRefused),
    ("bad outbound sender", Hint::SenderRefused),
    ("smtpclientauthentication is disabled", Hint::SignIn),
    ("basic authentication is disabled", Hint::SignIn),
    // Yahoo and AOL: deferrals in brackets are about the sender; PH and BL are refusals.
    ("[tss", Hint::SenderLimit),
    ("[ts0", Hint::SenderLimit),
    ("[ph0", Hint::Policy),
    ("[bl2", Hint::Policy),
    ("exceeded the daily", Hint::SenderLimit),
    // iCloud: 550 5.7.0 for a foreign sender, [CS01] and [HM..] for content and reputation.
    ("not one of your addresses", Hint::SenderRefused),
    ("[cs01]", Hint::Policy),
    ("[hm0", Hint::Policy),
    // Zoho: 550 5.4.6, 554 5.1.8, 553.
    ("unusual sending activity", Hint::SenderLimit),
    ("email outgoing blocked", Hint::SenderRefused),
    ("sender is not allowed to relay", Hint::SenderRefused),
    ("relaying disallowed as", Hint::SenderRefused),
    // Everywhere: Postfix' postgrey and policyd, rspamd, Exchange's anti-spam.
    ("greylist", Hint::Greylisted),
    ("graylist", Hint::Greylisted),
    ("grey-list", Hint::Greylisted),
];

impl Hint {
    /// Finds the first known phrase.
    pub(super) fn find(text: &str) -> Option<Self> {
        let text = text.to_ascii_lowercase();
        PHRASES.iter().find(|(phrase, _)| text.contains(phrase)).map(|(_, hint)| *hint)
    }
}
