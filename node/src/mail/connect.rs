//! From a server's settings to a verified connection.

use std::{io, net::SocketAddr, time::Duration};

use tokio::{
    net::{TcpStream, lookup_host},
    time::timeout,
};

use super::settings::ServerSettings;

/// Addresses of one name that are tried; a name with more is tried in part.
const MAX_ADDRESSES: usize = 8;

/// Why a server could not be reached or talked to. All of them are exit code 6 (network or TLS).
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ConnectError {
    /// The name has no address, or the resolver failed.
    #[error("the server's name could not be resolved")]
    Resolve,
    /// Nothing listens there.
    #[error("the server's port is closed")]
    PortClosed,
    /// No answer within the configured time-out.
    #[error("the server did not answer in time")]
    TimedOut,
    /// The certificate is signed by nobody we trust.
    #[error("the server's certificate is not trusted")]
    UntrustedCertificate,
    /// The certificate is for another host.
    #[error("the server's certificate is for another name")]
    WrongName,
    /// The certificate is expired or not yet valid.
    #[error("the server's certificate is expired or not yet valid")]
    ExpiredCertificate,
    /// Any other TLS failure.
    #[error("the TLS handshake failed: {why}")]
    Tls {
        /// As the TLS library put it.
        why: String,
    },
    /// STARTTLS was demanded by the config but the server doesn't offer it.
    #[error("the server offers no STARTTLS")]
    NoStartTls,
    /// `host` is no valid DNS name or address.
    #[error("the configured host is not a valid name")]
    BadHostName,
    /// The configured root file is unreadable.
    #[error("the ca_file can't be used: {why}")]
    CaFile {
        /// As the reader put it.
        why: String,
    },
    /// The connection ended.
    #[error("the server closed the connection")]
    Closed,
    /// The peer doesn't speak the protocol, or sent more than it may.
    #[error("the server's answer makes no sense")]
    Protocol,
    /// Any other I/O failure.
    #[error("network error: {kind}")]
    Io {
        /// The operating system's kind of error.
        kind: io::ErrorKind,
    },
}

impl ConnectError {
    /// The kind of failure behind a socket's error.
    pub(crate) fn from_io(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::ConnectionRefused => Self::PortClosed,
            io::ErrorKind::TimedOut => Self::TimedOut,
            io::ErrorKind::UnexpectedEof
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe => Self::Closed,
            io::ErrorKind::FileTooLarge | io::ErrorKind::InvalidData => Self::Protocol,
            kind => Self::Io { kind },
        }
    }
}

/// A TCP connection to `settings.address`, or else to the first address of `settings.host` that answers.
///
/// # Errors
/// [`ConnectError::Resolve`], [`ConnectError::PortClosed`], [`ConnectError::TimedOut`] or an I/O error.
pub(crate) async fn dial(settings: &ServerSettings, limit: Duration) -> Result<TcpStream, ConnectError> {
    let work = async {
        let addresses: Vec<SocketAddr> = match settings.address {
            Some(ip) => vec![SocketAddr::new(ip, settings.port)],
            None => {
                lookup_host((settings.host.as_str(), settings.port)).await.map_err(|_| ConnectError::Resolve)?.take(MAX_ADDRESSES).collect()
            }
        };
        let mut last = ConnectError::Resolve;
        for address in addresses {
            match TcpStream::connect(address).await {
                Ok(tcp) => {
                    // Commands are short and wait for their answer; Nagle would only delay them.
                    if let Err(e) = tcp.set_nodelay(true) {
                        return Err(ConnectError::from_io(&e));
                    }
                    return Ok(tcp);
                }
                Err(e) => last = ConnectError::from_io(&e),
            }
        }
        Err(last)
    };
    timeout(limit, work).await.unwrap_or(Err(ConnectError::TimedOut))
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr, TcpListener};

    use super::*;
    use crate::mail::settings::Security;

    fn server(port: u16) -> ServerSettings {
        ServerSettings {
            host: "mx.a.test".into(),
            port,
            security: Security::Tls,
            address: Some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
            ca_file: None,
        }
    }

    #[tokio::test]
    async fn a_closed_port_is_named() {
        // A port that was just free: bound, read and released.
        let free = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("port");
        let got = dial(&server(free.port()), Duration::from_secs(5)).await;
        assert_eq!(got.err(), Some(ConnectError::PortClosed));
    }

    #[tokio::test]
    async fn a_silent_server_times_out_in_the_handshake() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("listen");
        let port = listener.local_addr().expect("address").port();
        let tcp = dial(&server(port), Duration::from_secs(5)).await.expect("connects");
        let tls = crate::mail::tls::TlsClient::new(None).expect("roots");
        let wait = timeout(Duration::from_millis(50), tls.handshake("mx.a.test", tcp)).await;
        assert!(wait.is_err(), "nobody answers");
    }
}
