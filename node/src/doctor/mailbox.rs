//! One mailbox: both servers, folders, consent and what the provider says.

use super::Item;
use crate::config::MailboxConfig;
use crate::discovery::provider::{Automation, SignIn};
use crate::discovery::{Finder, Provider};
use crate::mail::{ConnectError, Folders, Login, MailTimeouts, SignInError, check_mailbox};
use warmnet_protocol::wire::roster::acts;

/// Signs in at both servers and looks at the settings. Sends no mail and reads none.
pub async fn check(mailbox: &MailboxConfig, login: Option<Login>, finder: &Finder, timeouts: &MailTimeouts) -> Vec<Item> {
    let domain = mailbox.address.rsplit_once('@').map_or("", |(_, d)| d);
    let provider = finder.table.by_server(&mailbox.smtp.host, domain);
    let mut items = Vec::new();
    match login {
        None => {
            let fix = format!("run `warmnet-node mailbox add {}` again", mailbox.address);
            items.push(Item::critical("password", "the secrets file holds no password of this mailbox", fix));
        }
        Some(login) => {
            let (smtp, imap) = tokio::join!(finder.dialled(&mailbox.smtp), finder.dialled(&mailbox.imap));
            let (smtp, imap) = (smtp.unwrap_or_else(|_| mailbox.smtp.clone()), imap.unwrap_or_else(|_| mailbox.imap.clone()));
            let found = check_mailbox(&smtp, &imap, &login, timeouts).await;
            items.push(server("smtp", &mailbox.smtp.host, found.smtp.as_ref().err(), provider));
            items.push(server("imap", &mailbox.imap.host, found.imap.as_ref().err(), provider));
            items.extend(found.imap.ok().map(|f| folders(&f)));
        }
    }
    items.push(consent(mailbox));
    items.push(authserv_id(mailbox, provider));
    items.extend(provider.map(rule));
    items.into_iter().map(|i| i.of(&mailbox.address)).collect()
}

/// What a failed or good sign-in means.
fn server(code: &'static str, host: &str, error: Option<&SignInError>, provider: Option<&Provider>) -> Item {
    let Some(error) = error else { return Item::ok(code, format!("{host}: TLS verified, signed in")) };
    let fix = match error {
        SignInError::Refused { .. } => match provider {
            Some(p) if p.sign_in.first() == Some(&SignIn::AppPassword) => format!(
                "make an app password ({}) and run `warmnet-node mailbox add` again",
                p.app_password_page.as_deref().unwrap_or("in the account's security settings")
            ),
            Some(p) if !p.takes_password() => format!("{} signs programs in by OAuth only: see docs/guide/providers/{}.md", p.name, p.id),
            _ => "check user and password, then run `warmnet-node mailbox add` again; many providers want an app password".to_owned(),
        },
        SignInError::Grant(e) if e.needs_owner() => "give the permission again: `warmnet-node mailbox add` with --oauth".to_owned(),
        SignInError::Grant(_) => {
            return Item::warn(code, format!("{host}: {error}"), "run this again in some minutes");
        }
        SignInError::Connect(e) => match e {
            ConnectError::Resolve | ConnectError::BadHostName => "check the host's name in the mailbox's file, and your DNS".to_owned(),
            ConnectError::PortClosed | ConnectError::TimedOut => {
                "check host and port; some networks block mail ports: try 465 with tls instead of 587, or another network".to_owned()
            }
            ConnectError::UntrustedCertificate => "for a private certificate give --ca-file; otherwise don't use this server".to_owned(),
            ConnectError::WrongName => "use the name that stands in the server's certificate as its host".to_owned(),
            ConnectError::ExpiredCertificate => "renew the server's certificate; if it is fine, check this machine's clock".to_owned(),
            ConnectError::CaFile { .. } => "correct ca_file in the mailbox's file".to_owned(),
            _ => "check host, port and security in the mailbox's file".to_owned(),
        },
        SignInError::Busy => {
            return Item::warn(code, format!("{host}: {error}"), "run this again in some minutes");
        }
        SignInError::Command => "look at the server's log, then try again".to_owned(),
    };
    Item::critical(code, format!("{host}: {error}"), fix)
}

fn folders(folders: &Folders) -> Item {
    match &folders.junk {
        Some(_) => Item::ok("junk_folder", "the junk folder is known"),
        None => Item::warn(
            "junk_folder",
            "no folder is marked or named as the junk folder, so mail that lands in spam can't be seen",
            "switch on IMAP access to the spam folder at your provider; some hide it",
        ),
    }
}

fn consent(mailbox: &MailboxConfig) -> Item {
    let names = [(acts::READ, "read"), (acts::REPLY, "reply"), (acts::RESCUE, "rescue"), (acts::FILE, "file")];
    let given = mailbox.consent.acts();
    let allowed: Vec<&str> = names.iter().filter(|(bit, _)| given & bit != 0).map(|(_, n)| *n).collect();
    if allowed.is_empty() {
        return Item::info("consent", "no automatic act is allowed: warming mail is only received and counted");
    }
    Item::info("consent", format!("you allowed: {}", allowed.join(", ")))
}

fn authserv_id(mailbox: &MailboxConfig, provider: Option<&Provider>) -> Item {
    match (&mailbox.authserv_id, provider.and_then(|p| p.authserv_id.as_ref())) {
        (Some(id), _) => Item::ok("authserv_id", format!("Authentication-Results of {id} are believed")),
        (None, Some(id)) => Item::warn(
            "authserv_id",
            "no Authentication-Results are believed, so SPF, DKIM and DMARC of your partners are unknown here",
            format!(
                "set authserv_id = \"{id}\" in the mailbox's file, after you have seen that name first in an Authentication-Results header there"
            ),
        ),
        (None, None) => Item::warn(
            "authserv_id",
            "no Authentication-Results are believed, so SPF, DKIM and DMARC of your partners are unknown here",
            "look at a received mail's source; set authserv_id in the mailbox's file to the name right behind Authentication-Results:",
        ),
    }
}

fn rule(provider: &Provider) -> Item {
    let text = format!("{} (checked {}): {}", provider.name, provider.checked, provider.rule);
    match provider.automation {
        Automation::Restricted => {
            Item::warn("provider_rule", text, format!("decide for yourself; docs/guide/providers/{}.md tells more", provider.id))
        }
        Automation::Watched | Automation::Unknown => Item::info("provider_rule", text),
    }
}
