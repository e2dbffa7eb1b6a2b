//! A body cut into lines as it arrives.

use axum::body::{Body, BodyDataStream};
use futures::{Stream, StreamExt, stream};

/// A request in PEM with sixty names, within JSON.
pub(super) const LINE_BYTES_MAX: usize = 64 * 1024;

/// Its number, from 1, and what is in it.
pub(super) struct Line {
    pub(super) number: u64,
    pub(super) text: Result<Vec<u8>, LineError>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum LineError {
    #[error("line has more than {LINE_BYTES_MAX} bytes: ask for fewer names")]
    TooLong,
    #[error("the body was cut off: send it again, what is done stays done")]
    Cut,
}

struct Reading {
    data: BodyDataStream,
    buffer: Vec<u8>,
    number: u64,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    /// Within a line that is too long, which was told.
    Skipping,
    Ended,
}

/// Empty lines are counted and left out.
pub(super) fn lines(body: Body) -> impl Stream<Item = Line> {
    let reading =
        Reading { data: body.into_data_stream(), buffer: Vec::new(), number: 0, state: State::Open };
    stream::unfold(reading, |mut reading| async move {
        let line = reading.next().await?;
        Some((line, reading))
    })
}

impl Reading {
    async fn next(&mut self) -> Option<Line> {
        loop {
            if let Some(end) = self.buffer.iter().position(|byte| *byte == b'\n') {
                let rest = self.buffer.split_off(end + 1);
                let line = std::mem::replace(&mut self.buffer, rest);
                self.number += 1;
                let skipped = self.state == State::Skipping;
                self.state = State::Open;
                if skipped || line.trim_ascii().is_empty() {
                    continue;
                }
                return Some(self.line(Ok(line)));
            }
            if self.buffer.len() > LINE_BYTES_MAX {
                self.buffer.clear();
                if self.state == State::Open {
                    self.state = State::Skipping;
                    return Some(Line { number: self.number + 1, text: Err(LineError::TooLong) });
                }
            }
            if self.state == State::Ended {
                return None;
            }
            match self.data.next().await {
                Some(Ok(data)) => self.buffer.extend_from_slice(&data),
                Some(Err(_)) => {
                    self.state = State::Ended;
                    self.number += 1;
                    self.buffer.clear();
                    return Some(self.line(Err(LineError::Cut)));
                }
                None => return self.last(),
            }
        }
    }

    /// What has no line break after it.
    fn last(&mut self) -> Option<Line> {
        let line = std::mem::take(&mut self.buffer);
        let whole = self.state == State::Open && !line.trim_ascii().is_empty();
        self.state = State::Ended;
        self.number += 1;
        whole.then(|| self.line(Ok(line)))
    }

    fn line(&self, text: Result<Vec<u8>, LineError>) -> Line {
        let text = text
            .and_then(|line| if line.len() > LINE_BYTES_MAX { Err(LineError::TooLong) } else { Ok(line) });
        Line { number: self.number, text }
    }
}
