//! An MQTT connection from the client's end, packet by packet: for the devices here, and for tests that misbehave.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use thiserror::Error;
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use muster_mqtt::{Connect, Decoder, Limits, Packet, Publish, Stream};

use crate::{ConnectError, Endpoint, Trust};

/// SDKs wait this long for a CONNACK before they call the connection failed.
const CONNACK_WITHIN: Duration = Duration::from_secs(30);

/// What a client says first.
#[derive(Clone, Debug)]
pub struct Hello {
    pub client_id: String,
    pub username: Option<String>,
    pub password: Option<Bytes>,
    pub clean_session: bool,
    pub keep_alive_s: u16,
    pub will: Option<Publish>,
}

pub struct Session {
    stream: Stream<TlsStream<TcpStream>>,
    batch: Vec<Packet>,
    inbox: VecDeque<Packet>,
    session_present: bool,
}

impl Session {
    /// TCP, TLS, CONNECT, CONNACK.
    pub async fn open(trust: &Trust, to: &Endpoint, hello: Hello) -> Result<Session, OpenError> {
        let stream = trust.connect(to).await?;
        Session::over(stream, hello).await
    }

    /// CONNECT and CONNACK on a connection that stands.
    pub async fn over(stream: TlsStream<TcpStream>, hello: Hello) -> Result<Session, OpenError> {
        let stream = Stream::new(stream, Decoder::for_client(Limits::default()));
        let mut session =
            Session { stream, batch: Vec::new(), inbox: VecDeque::new(), session_present: false };
        session.send(&[Packet::Connect(Box::new(connect(hello)))]).await?;
        let answer = tokio::time::timeout(CONNACK_WITHIN, session.next()).await;
        match answer.map_err(|_| OpenError::Silent)?? {
            Packet::ConnAck { code: 0, session_present } => {
                session.session_present = session_present;
                Ok(session)
            }
            Packet::ConnAck { code, .. } => Err(OpenError::Refused { code }),
            other => Err(SessionError::Unexpected { packet: format!("{other:?}") }.into()),
        }
    }

    /// The connection below; what was read and not yet taken is lost.
    pub fn into_io(self) -> TlsStream<TcpStream> {
        self.stream.into_parts().io
    }

    pub fn session_present(&self) -> bool {
        self.session_present
    }

    /// The next packet of the server. Dropping the future loses nothing.
    pub async fn next(&mut self) -> Result<Packet, SessionError> {
        loop {
            if let Some(packet) = self.inbox.pop_front() {
                return Ok(packet);
            }
            self.batch.clear();
            if self
                .stream
                .read_batch(&mut self.batch)
                .await
                .map_err(|reason| SessionError::Broken { reason: reason.to_string() })?
                == 0
            {
                return Err(SessionError::Closed);
            }
            self.inbox.extend(self.batch.drain(..));
        }
    }

    /// All of these in one write.
    pub async fn send(&mut self, packets: &[Packet]) -> Result<(), SessionError> {
        self.stream.write(packets).await.map_err(|reason| SessionError::Broken { reason: reason.to_string() })
    }
}

fn connect(hello: Hello) -> Connect {
    Connect {
        client_id: hello.client_id,
        username: hello.username,
        password: hello.password,
        clean_session: hello.clean_session,
        keep_alive_s: hello.keep_alive_s,
        will: hello.will,
    }
}

#[derive(Debug, Error)]
pub enum OpenError {
    #[error(transparent)]
    Connect(#[from] ConnectError),
    #[error("the connection was refused with CONNACK code {code}")]
    Refused { code: u8 },
    #[error("no CONNACK within {} s", CONNACK_WITHIN.as_secs())]
    Silent,
    #[error(transparent)]
    Session(#[from] SessionError),
}

#[derive(Debug, Error)]
pub enum SessionError {
    #[error("the server closed the connection")]
    Closed,
    #[error("the connection broke: {reason}")]
    Broken { reason: String },
    #[error("did not expect {packet}")]
    Unexpected { packet: String },
}
