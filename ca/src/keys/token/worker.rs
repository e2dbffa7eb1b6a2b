//! A signing thread: takes one job after the other, with a session of its own.

use std::sync::{Mutex, PoisonError};

use tokio::sync::mpsc;

use super::{Job, Opener, session::Session};

/// Until the last handle to the queue is gone.
pub(super) fn work(opener: &Opener, mut session: Session, queue: &Mutex<mpsc::Receiver<Job>>) {
    loop {
        // Whoever has the lock waits for the next job, the others for the lock.
        let job = queue.lock().unwrap_or_else(PoisonError::into_inner).blocking_recv();
        // Who asked may have gone; then the answer is nobody's.
        match job {
            None => return session.close(),
            Some(Job::Sign { name, prepared, answer }) => {
                let signed = session.attempt(opener, |session| session.sign(opener, &name, &prepared));
                let _ = answer.send(signed.and_then(|raw| prepared.finish(opener, raw)));
            }
            Some(Job::Make { name, kind, answer }) => {
                let _ = answer.send(session.attempt(opener, |session| session.make(opener, &name, kind)));
            }
            Some(Job::Find { name, answer }) => {
                let _ = answer.send(session.attempt(opener, |session| session.find(opener, &name)));
            }
            Some(Job::List { answer }) => {
                let _ = answer.send(session.attempt(opener, |session| session.list(opener)));
            }
            Some(Job::Destroy { name, answer }) => {
                let _ = answer.send(session.attempt(opener, |session| session.destroy(opener, &name)));
            }
        }
    }
}
