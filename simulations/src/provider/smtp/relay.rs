//! Handing mail to another provider: a real SMTP session from this provider's own address.

use super::Client;
use crate::provider::message::domain_of;
use crate::provider::world::World;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::{TcpSocket, TcpStream};

/// A whole hand-over on loopback.
const WAIT: Duration = Duration::from_secs(30);

/// Why a mail was not handed over.
#[derive(Debug, thiserror::Error)]
pub enum RelayError {
    /// No provider hosts the recipient's domain.
    #[error("nobody hosts that domain")]
    NoHost,
    /// The connection failed.
    #[error("the other provider can't be reached: {0}")]
    Io(#[from] std::io::Error),
    /// It took too long.
    #[error("the other provider is too slow")]
    Slow,
    /// The other side said no.
    #[error("{0}")]
    Refused(String),
}

async fn connect(world: &World, from: usize, to: usize) -> Result<Client<TcpStream>, RelayError> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::from((world.providers[from].ip, 0)))?;
    let stream = socket.connect(world.providers[to].mx).await?;
    stream.set_nodelay(true)?;
    Client::start(stream, &world.providers[from].host).await
}

fn host_of(world: &World, address: &str) -> Option<usize> {
    world.domains.get(&domain_of(address)).map(|d| d.provider)
}

/// Asks the recipient's provider whether it takes mail for the address.
///
/// # Errors
/// [`RelayError`]: `Refused` has its own words.
pub(super) async fn call_ahead(world: &World, provider: usize, from: &str, to: &str) -> Result<(), RelayError> {
    let host = host_of(world, to).ok_or(RelayError::NoHost)?;
    let call = async {
        let mut client = connect(world, provider, host).await?;
        let known = client.envelope(from, to).await;
        client.quit().await?;
        known.map(|_| ())
    };
    tokio::time::timeout(WAIT, call).await.unwrap_or(Err(RelayError::Slow))
}

/// Delivers a message to one recipient.
///
/// # Errors
/// [`RelayError`].
pub async fn hand_over(world: &World, provider: usize, from: &str, to: &str, raw: &[u8]) -> Result<(), RelayError> {
    let host = host_of(world, to).ok_or(RelayError::NoHost)?;
    let call = async {
        let mut client = connect(world, provider, host).await?;
        client.mail(from, to, raw).await?;
        // The mail is taken; a good-bye that fails changes nothing.
        let _bye = client.quit().await;
        Ok(())
    };
    tokio::time::timeout(WAIT, call).await.unwrap_or(Err(RelayError::Slow))
}
