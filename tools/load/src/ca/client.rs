//! The client, the same for all: one request, written once, sent again and again on connections that stay open.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use muster_simulator::{Endpoint, Trust};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

/// A certificate with its chain and some words is a tenth of it.
const ANSWER_BYTES_MAX: usize = 256 * 1024;
/// What cfssl answers when its database kept a request waiting for too long.
const LOCKED: &str = "database is locked";

trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

type Connection = BufReader<Box<dyn Duplex>>;

/// Whom to ask, and for what. Clones share their connections.
#[derive(Clone)]
pub(super) struct Asking(Arc<Shared>);

struct Shared {
    to: Endpoint,
    /// Over TLS, when there is someone to trust.
    trust: Option<Trust>,
    request: Vec<u8>,
    idle: Mutex<Vec<Connection>>,
    /// Answers that were no certificate, though nothing was wrong with the request.
    failed: AtomicU64,
}

impl Asking {
    pub(super) fn new(
        to: Endpoint,
        trust: Option<Trust>,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Asking {
        let mut request = format!(
            "POST {path} HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n",
            to.host,
            body.len()
        );
        for (name, value) in headers {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        request.push_str("\r\n");
        request.push_str(body);
        let (idle, failed) = (Mutex::default(), AtomicU64::new(0));
        Asking(Arc::new(Shared { to, trust, request: request.into_bytes(), idle, failed }))
    }

    /// How many requests were answered with a failure, and were made again.
    pub(super) fn failed(&self) -> u64 {
        self.0.failed.load(Ordering::Relaxed)
    }

    /// Asks for a certificate until there is one, and reads it.
    pub(super) async fn ask(&self) -> Result<(), String> {
        while !self.ask_once().await? {
            self.0.failed.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }

    async fn ask_once(&self) -> Result<bool, String> {
        let kept = self.idle().pop();
        let mut connection = match kept {
            Some(connection) => connection,
            None => self.connect().await?,
        };
        let failed = |error: std::io::Error| format!("{}: {error}", self.0.to);
        connection.write_all(&self.0.request).await.map_err(failed)?;
        connection.flush().await.map_err(failed)?;
        let (status, body) = answer(&mut connection).await.map_err(failed)?;
        self.idle().push(connection);
        let text = String::from_utf8_lossy(&body);
        if text.contains(LOCKED) {
            return Ok(false);
        }
        if !(200..300).contains(&status) || !text.contains("-----BEGIN CERTIFICATE-----") {
            return Err(format!("{} answered {status}: {text}", self.0.to));
        }
        Ok(true)
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.0.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn connect(&self) -> Result<Connection, String> {
        let stream: Box<dyn Duplex> = match &self.0.trust {
            Some(trust) => Box::new(trust.connect(&self.0.to).await.map_err(|error| error.to_string())?),
            None => {
                let stream = TcpStream::connect(self.0.to.address).await;
                let stream = stream.map_err(|error| format!("{}: {error}", self.0.to))?;
                stream.set_nodelay(true).map_err(|error| error.to_string())?;
                Box::new(stream)
            }
        };
        Ok(BufReader::new(stream))
    }
}

/// Status and body, as long as they say or in chunks.
async fn answer(from: &mut Connection) -> std::io::Result<(u16, Vec<u8>)> {
    let first = line(from).await?;
    let status = first.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or_else(senseless)?;
    let (mut length, mut is_chunked) = (0, false);
    loop {
        let header = line(from).await?.to_ascii_lowercase();
        match header.split_once(':') {
            None => break,
            Some(("content-length", value)) => length = value.trim().parse().map_err(|_| senseless())?,
            Some(("transfer-encoding", value)) => is_chunked = value.trim() == "chunked",
            Some(_) => {}
        }
    }
    let mut body = Vec::new();
    if !is_chunked {
        more(from, &mut body, length).await?;
        return Ok((status, body));
    }
    loop {
        let size = line(from).await?;
        let size = usize::from_str_radix(&size, 16).map_err(|_| senseless())?;
        more(from, &mut body, size).await?;
        line(from).await?;
        if size == 0 {
            return Ok((status, body));
        }
    }
}

async fn line(from: &mut Connection) -> std::io::Result<String> {
    let mut line = String::new();
    if from.read_line(&mut line).await? == 0 {
        return Err(std::io::ErrorKind::UnexpectedEof.into());
    }
    line.truncate(line.trim_end().len());
    Ok(line)
}

async fn more(from: &mut Connection, body: &mut Vec<u8>, bytes: usize) -> std::io::Result<()> {
    let begin = body.len();
    let end = begin.checked_add(bytes).filter(|end| *end <= ANSWER_BYTES_MAX).ok_or_else(senseless)?;
    body.resize(end, 0);
    from.read_exact(&mut body[begin..]).await.map(|_| ())
}

fn senseless() -> std::io::Error {
    std::io::Error::new(std::io::ErrorKind::InvalidData, "the answer makes no sense")
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(text: &'static str) -> (u16, String) {
        let stream: Box<dyn Duplex> = Box::new(tokio_test_stream(text));
        let (status, body) = answer(&mut BufReader::new(stream)).await.unwrap();
        (status, String::from_utf8(body).unwrap())
    }

    fn tokio_test_stream(text: &'static str) -> impl Duplex {
        tokio::io::join(text.as_bytes(), tokio::io::sink())
    }

    #[tokio::test]
    async fn answers_are_read_to_their_end_whole_or_in_chunks() {
        let whole = read("HTTP/1.1 201 Created\r\nContent-Length: 4\r\n\r\nbody").await;
        assert_eq!(whole, (201, "body".to_owned()));
        let chunks = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nbo\r\n2\r\ndy\r\n0\r\n\r\n";
        assert_eq!(read(chunks).await, (200, "body".to_owned()));
    }
}
