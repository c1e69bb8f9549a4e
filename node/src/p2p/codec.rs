//! The request-response codec: opaque bytes behind a 4-byte big-endian length.

use std::io;

use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use libp2p::StreamProtocol;
use libp2p::request_response::Codec;

/// A request names things (an introduction, what is missing): the protocol's own bound.
pub const MAX_REQUEST_BYTES: usize = warmnet_protocol::limits::REQUEST_BYTES;

/// A response carries stored messages for sync: 4 MiB is 7,000 bundles of a usual member.
pub const MAX_RESPONSE_BYTES: usize = warmnet_protocol::limits::RESPONSE_BYTES;

/// Reads and writes length-prefixed bytes. Memory grows with what arrives, not with what is announced.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct BytesCodec;

impl Codec for BytesCodec {
    type Protocol = StreamProtocol;
    type Request = Vec<u8>;
    type Response = Vec<u8>;

    async fn read_request<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Vec<u8>>
    where
        T: AsyncRead + Unpin + Send,
    {
        read_frame(io, MAX_REQUEST_BYTES).await
    }

    async fn read_response<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Vec<u8>>
    where
        T: AsyncRead + Unpin + Send,
    {
        read_frame(io, MAX_RESPONSE_BYTES).await
    }

    async fn write_request<T>(&mut self, _: &StreamProtocol, io: &mut T, request: Vec<u8>) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        write_frame(io, &request, MAX_REQUEST_BYTES).await
    }

    async fn write_response<T>(&mut self, _: &StreamProtocol, io: &mut T, response: Vec<u8>) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        write_frame(io, &response, MAX_RESPONSE_BYTES).await
    }
}

/// `InvalidData` if the announced length is above `limit`, `UnexpectedEof` if bytes are missing.
async fn read_frame<T>(io: &mut T, limit: usize) -> io::Result<Vec<u8>>
where
    T: AsyncRead + Unpin + Send,
{
    let mut prefix = [0u8; 4];
    io.read_exact(&mut prefix).await?;
    let length = u32::from_be_bytes(prefix);
    if length as usize > limit {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "frame too large"));
    }
    let mut bytes = Vec::new();
    io.take(u64::from(length)).read_to_end(&mut bytes).await?;
    if bytes.len() != length as usize {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(bytes)
}

async fn write_frame<T>(io: &mut T, bytes: &[u8], limit: usize) -> io::Result<()>
where
    T: AsyncWrite + Unpin + Send,
{
    let length = u32::try_from(bytes.len())
        .ok()
        .filter(|_| bytes.len() <= limit)
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "frame too large"))?;
    io.write_all(&length.to_be_bytes()).await?;
    io.write_all(bytes).await?;
    io.close().await
}

#[cfg(test)]
mod tests {
    use futures::executor::block_on;
    use futures::io::Cursor;
    use proptest::prelude::*;

    use super::*;

    /// A prefix of any length, as a rule a small one, before any bytes.
    fn wire() -> impl Strategy<Value = Vec<u8>> {
        let announced = prop_oneof![0u32..80, any::<u32>()];
        (announced, prop::collection::vec(any::<u8>(), 0..80)).prop_map(|(length, bytes)| [&length.to_be_bytes()[..], &bytes].concat())
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_frame_or_an_error(wire in prop_oneof![wire(), prop::collection::vec(any::<u8>(), 0..8)]) {
            const LIMIT: usize = 64;
            let read = block_on(read_frame(&mut Cursor::new(&wire), LIMIT)).ok();
            let announced = wire.first_chunk().map(|prefix| u32::from_be_bytes(*prefix) as usize);
            let whole = announced.and_then(|length| wire[4..].get(..length)).filter(|frame| frame.len() <= LIMIT);
            prop_assert_eq!(read.as_deref(), whole);
        }
    }

    #[tokio::test]
    async fn frames_survive_the_trip() {
        for size in [0, 1, 4, 1000] {
            let bytes = vec![7u8; size];
            let mut wire = Cursor::new(Vec::new());
            write_frame(&mut wire, &bytes, 1000).await.expect("write");
            let mut wire = Cursor::new(wire.into_inner());
            assert_eq!(read_frame(&mut wire, 1000).await.expect("read"), bytes);
        }
    }

    #[tokio::test]
    async fn too_large_short_and_empty_frames_are_errors() {
        let mut wire = Cursor::new(Vec::new());
        let error = write_frame(&mut wire, &[0; 11], 10).await.expect_err("large");
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);

        let mut wire = Cursor::new(vec![0, 0, 0, 11]);
        let error = read_frame(&mut wire, 10).await.expect_err("large");
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);

        for wire in [&[][..], &[0, 0], &[0, 0, 0, 5, 1, 2]] {
            let error = read_frame(&mut Cursor::new(wire), 10).await.expect_err("short");
            assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
        }
    }
}
