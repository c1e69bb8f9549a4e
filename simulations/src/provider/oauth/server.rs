//! The web side: plain HTTP on loopback, as RFC 8252 allows for a service on this machine.

use super::super::world::World;
use super::{Authority, Refused};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use url::Url;

/// Connections at a time, and how long one may last.
const CONNECTIONS: usize = 64;
const CONNECTION: Duration = Duration::from_secs(30);
/// Largest head, its fields, and the largest form.
const HEAD: usize = 16 * 1024;
const FIELDS: usize = 64;
const FORM: usize = 64 * 1024;
const DEVICE_GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

const OK: &str = "200 OK";
const BAD: &str = "400 Bad Request";

type Form = BTreeMap<String, String>;

/// What is answered.
struct Answer {
    status: &'static str,
    head: String,
    body: String,
}

/// A request: method, target, body.
struct Request {
    method: String,
    target: String,
    body: Vec<u8>,
}

/// Answers until `stop` is cancelled.
pub async fn serve(listener: TcpListener, world: Arc<World>, authority: Arc<Authority>, stop: CancellationToken) {
    let slots = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let stream = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    tracing::warn!(%error, "the authorization server could not accept");
                    return;
                }
            },
        };
        let Ok(slot) = slots.clone().try_acquire_owned() else { continue };
        let (world, authority) = (world.clone(), authority.clone());
        tokio::spawn(async move {
            // A broken connection is the client's affair.
            let _ended = tokio::time::timeout(CONNECTION, connection(stream, &world, &authority)).await;
            drop(slot);
        });
    }
}

async fn connection(mut stream: TcpStream, world: &World, authority: &Authority) -> std::io::Result<()> {
    let port = stream.local_addr()?.port();
    let Some(request) = request(&mut stream).await? else { return Ok(()) };
    let Answer { status, head, body } = answer(&request, port, world, authority);
    let text = format!("HTTP/1.1 {status}\r\n{head}Content-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len());
    stream.write_all(text.as_bytes()).await?;
    stream.shutdown().await
}

/// `None`: no HTTP, or too long.
async fn request(stream: &mut TcpStream) -> std::io::Result<Option<Request>> {
    let mut bytes = Vec::new();
    let head = loop {
        if let Some(at) = bytes.windows(4).position(|w| w == b"\r\n\r\n") {
            break at + 4;
        }
        if bytes.len() >= HEAD || stream.read_buf(&mut bytes).await? == 0 {
            return Ok(None);
        }
    };
    let mut fields = [httparse::EMPTY_HEADER; FIELDS];
    let mut parsed = httparse::Request::new(&mut fields);
    if parsed.parse(&bytes[..head]).is_err() {
        return Ok(None);
    }
    let named = |name: &str| parsed.headers.iter().find(|h| h.name.eq_ignore_ascii_case(name));
    let length = named("content-length").and_then(|h| std::str::from_utf8(h.value).ok()?.parse().ok()).unwrap_or(0);
    let (Some(method), Some(target), true) = (parsed.method, parsed.path, length <= FORM) else { return Ok(None) };
    let (method, target) = (method.to_owned(), target.to_owned());
    while bytes.len() < head + length {
        if stream.read_buf(&mut bytes).await? == 0 {
            return Ok(None);
        }
    }
    Ok(Some(Request { method, target, body: bytes[head..head + length].to_vec() }))
}

fn answer(request: &Request, port: u16, world: &World, authority: &Authority) -> Answer {
    let read = |text: &[u8]| -> Form { url::form_urlencoded::parse(text).into_owned().collect() };
    let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
    let (query, form) = (read(query.as_bytes()), read(&request.body));
    match (request.method.as_str(), path) {
        ("GET", "/authorize") => text(OK, "Post address and password to this address to give the permission."),
        ("POST", "/authorize") => authorize(&query, &form, world, authority),
        ("POST", "/activate") => {
            let granted = owner(&form, world).is_some_and(|m| authority.activate(&field(&form, "user_code"), m));
            if granted { text(OK, "done") } else { text("403 Forbidden", "no") }
        }
        // A public request: RFC 8628 section 3.1 asks for the id alone.
        ("POST", "/device") => match authority.check_client(get(&form, "client_id"), authority.config.client_secret.as_deref()) {
            Err(error) => refused(error),
            Ok(()) => match authority.device() {
                Err(error) => refused(error),
                Ok((device_code, user_code)) => {
                    let address = format!("http://127.0.0.1:{port}/activate");
                    let all = json!({"device_code": device_code, "user_code": user_code, "verification_uri": address, "expires_in": 60, "interval": 1});
                    of_json(OK, &all)
                }
            },
        },
        ("POST", "/token") => match token(&form, authority) {
            Ok(granted) => of_json(OK, &json!(granted)),
            Err(error) => refused(error),
        },
        _ => text("404 Not Found", "nothing is here"),
    }
}

fn get<'a>(form: &'a Form, name: &str) -> Option<&'a str> {
    form.get(name).map(String::as_str)
}

fn field(form: &Form, name: &str) -> String {
    form.get(name).cloned().unwrap_or_default()
}

/// The mailbox whose address and password stand in a form.
fn owner(form: &Form, world: &World) -> Option<String> {
    let mailbox = world.mailbox(get(form, "address")?)?;
    (mailbox.password == get(form, "password")?).then(|| mailbox.address.clone())
}

/// RFC 6749 section 4.1.1, RFC 7636 section 4.3; only loopback redirects (RFC 8252 section 7.3).
fn authorize(query: &Form, form: &Form, world: &World, authority: &Authority) -> Answer {
    let redirect = field(query, "redirect_uri");
    let Ok(mut back) = Url::parse(&redirect) else { return text(BAD, "no redirect") };
    if back.scheme() != "http" || back.host_str() != Some("127.0.0.1") || get(query, "client_id") != Some(&authority.config.client_id) {
        return text(BAD, "unknown client or redirect");
    }
    let whole = get(query, "response_type") == Some("code") && get(query, "code_challenge_method") == Some("S256");
    let result = if !whole || field(query, "code_challenge").len() != 43 {
        Err("invalid_request")
    } else if get(form, "deny").is_some() {
        Err("access_denied")
    } else {
        let code = |mailbox| authority.code(mailbox, redirect.clone(), field(query, "code_challenge"));
        owner(form, world).ok_or("access_denied").and_then(code)
    };
    let (name, value) = match &result {
        Ok(code) => ("code", code.as_str()),
        Err(error) => ("error", *error),
    };
    back.query_pairs_mut().append_pair(name, value).append_pair("state", &field(query, "state"));
    Answer { status: "302 Found", head: format!("Location: {back}\r\n"), body: String::new() }
}

fn token(form: &Form, authority: &Authority) -> Result<super::Granted, Refused> {
    authority.check_client(get(form, "client_id"), get(form, "client_secret"))?;
    match get(form, "grant_type") {
        Some("authorization_code") => {
            let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(field(form, "code_verifier").as_bytes()));
            authority.redeem(&field(form, "code"), &field(form, "redirect_uri"), &challenge)
        }
        Some("refresh_token") => authority.refresh(&field(form, "refresh_token")),
        Some(DEVICE_GRANT) => authority.poll(&field(form, "device_code")),
        _ => Err("unsupported_grant_type"),
    }
}

fn refused(error: Refused) -> Answer {
    of_json(if error == "temporarily_unavailable" { "503 Service Unavailable" } else { BAD }, &json!({"error": error}))
}

fn of_json(status: &'static str, value: &serde_json::Value) -> Answer {
    Answer { status, head: "Content-Type: application/json\r\nCache-Control: no-store\r\n".to_owned(), body: value.to_string() }
}

fn text(status: &'static str, text: &str) -> Answer {
    Answer { status, head: "Content-Type: text/plain\r\n".to_owned(), body: text.to_owned() }
}
