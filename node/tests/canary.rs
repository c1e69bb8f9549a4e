//! Secrets that are told apart from everything else, followed through sign-in, refusal, renewal and panic at trace level:
//! none may stand in a line, a `Debug`, an error or a panic.

#[allow(dead_code, reason = "shared with the sign-in tests")]
#[path = "oauth/rig.rs"]
mod rig;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use rig::{ADDRESS, CLIENT_SECRET, Emulator, PASSWORD};
use secrecy::{ExposeSecret as _, SecretString};
use std::fmt::Write as _;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;
use warmnet_node::config::{Home, SecretsConfig};
use warmnet_node::mail::{Credential, Login, MailTimeouts, check_mailbox};
use warmnet_node::oauth::{Bearer, Grant, GrantStore as _, HeldGrant};
use warmnet_node::observe;
use warmnet_node::secrets::{NewCredential, Secrets};

/// Everything that was said.
#[derive(Clone, Default)]
struct Said(Arc<Mutex<Vec<u8>>>);

impl Said {
    fn push(&self, bytes: &[u8]) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
    }
    fn take(&self) -> Vec<u8> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl io::Write for Said {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.push(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Said {
    type Writer = Self;
    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// The forms in which a secret could be said: plain, percent-encoded, hex, and base64 from each of its three offsets.
fn forms(secret: &str) -> Vec<String> {
    let mut all = vec![secret.to_owned(), hex::encode(secret)];
    all.push(url::form_urlencoded::byte_serialize(secret.as_bytes()).collect());
    let percent = secret.bytes().fold(String::new(), |mut text, b| {
        if b.is_ascii_alphanumeric() || b"-._~".contains(&b) {
            text.push(char::from(b))
        } else {
            let _never = write!(text, "%{b:02X}");
        }
        text
    });
    all.push(percent);
    for skip in 0..3 {
        let inner = &secret.as_bytes()[skip..];
        let whole = &inner[..inner.len() / 3 * 3];
        all.extend([STANDARD.encode(whole), URL_SAFE.encode(whole)]);
    }
    all
}

fn leaks(said: &[u8], secrets: &[String]) -> Vec<String> {
    let found = |form: &String| said.windows(form.len()).any(|w| w == form.as_bytes());
    secrets.iter().flat_map(|s| forms(s)).filter(found).collect()
}

async fn sign_in(emulator: &Emulator, user: &str, password: Credential, said: &Said) {
    let login = Login { user: user.to_owned(), password };
    let check = check_mailbox(&emulator.server("smtps"), &emulator.server("imaps"), &login, &MailTimeouts::default()).await;
    said.push(format!("{login:?} {check:?}\n").as_bytes());
    for error in [check.smtp.err().map(|e| e.to_string()), check.imap.err().map(|e| e.to_string())].into_iter().flatten() {
        said.push(error.as_bytes());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_is_ever_said() {
    let said = Said::default();
    let filter = EnvFilter::try_new(observe::quieted("trace")).expect("a filter");
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(said.clone()).init();
    let panics = said.clone();
    std::panic::set_hook(Box::new(move |info| panics.push(format!("{info}\n").as_bytes())));

    let emulator = Emulator::start(3_600, &["XOAUTH2", "OAUTHBEARER"]);
    let mut secrets: Vec<String> = [PASSWORD, CLIENT_SECRET, "Canary-wrong/password+3"].map(str::to_owned).to_vec();
    let know = |all: &mut Vec<String>, secret: &SecretString| all.push(secret.expose_secret().to_owned());

    // By password, right and wrong.
    sign_in(&emulator, ADDRESS, Credential::Password(PASSWORD.into()), &said).await;
    sign_in(&emulator, ADDRESS, Credential::Password("Canary-wrong/password+3".into()), &said).await;

    // By token: given, kept in the age file, renewed, refused, withdrawn.
    let grant = emulator.permission().await.expect("given");
    know(&mut secrets, &grant.refresh_token);
    let held = Arc::new(HeldGrant::new(grant));
    let bearer = Bearer::new(held.clone());
    sign_in(&emulator, ADDRESS, Credential::OAuth(bearer.clone()), &said).await;
    know(&mut secrets, &bearer.access().await.expect("a token"));
    know(&mut secrets, &held.load().expect("held").refresh_token);
    sign_in(&emulator, "other@m01.test", Credential::OAuth(bearer.clone()), &said).await;
    know(&mut secrets, &bearer.access().await.expect("a token"));
    let kept: Grant = held.load().expect("held");
    know(&mut secrets, &kept.refresh_token);

    let folder = tempfile::tempdir().expect("a folder");
    let home = Home::at(folder.path());
    let mut file = Secrets::create(&home, &SecretsConfig::default()).expect("created");
    file.set_credential(ADDRESS, &NewCredential::Grant(held.clone())).expect("set");
    file.save().expect("saved");
    let opened = Secrets::open(&home, &SecretsConfig::default()).expect("opened");
    let credential = opened.credential(ADDRESS).expect("read").expect("there");
    emulator.revoke(true);
    sign_in(&emulator, ADDRESS, credential.clone(), &said).await;
    let raw = std::fs::read(home.secrets()).expect("there");
    said.push(&raw);

    // A panic with all of it in hand, and what shows of it.
    let login = Login { user: ADDRESS.to_owned(), password: credential.clone() };
    let doomed = tokio::spawn(async move { panic!("{login:?} {opened:?} {kept:?} {held:?} {credential:?}") });
    assert!(doomed.await.is_err(), "it panicked");

    let said_all = said.take();
    assert!(said_all.windows(7).any(|w| w == b"panicke"), "the panic was caught");
    assert_eq!(leaks(&said_all, &secrets), Vec::<String>::new());
    assert!(!said_all.windows(ADDRESS.len()).any(|w| w == ADDRESS.as_bytes()), "no address either");

    // The search itself: a secret said in any form is found.
    for form in forms(&secrets[0]) {
        tracing::trace!("{form}");
        assert!(!leaks(&said.take(), &secrets[..1]).is_empty(), "{form} is missed");
    }
}
