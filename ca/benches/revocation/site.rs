//! An authority with as many certificates on record as are wanted.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use futures::future::join_all;
use jiff::{SignedDuration, Timestamp};
use rcgen::{CertificateParams, KeyPair};
use serde_json::json;

use muster_ca::{Action, BaseUrl, Ca, Caller, Decision, Entropy, Entry, Log, Record, Settings};
use muster_store::{Db, Rows};
use muster_x509::Certificate;

/// As an issued certificate stands on record.
static ISSUED: Rows = Rows {
    name: "bench certificate",
    sql: "INSERT INTO ca_certificate (authority, serial, state, profile, version, subject, common_name, spki, holder, \
          generation, caller, not_after, recorded, log_index, sequence) \
          SELECT 'issuing', value->>'serial', 'issued', 'device', 1, value->>'subject', value->>'holder', \
          value->>'serial', value->>'holder', '1', 'process', CAST(value->>'not_after' AS BIGINT), \
          CAST(value->>'recorded' AS BIGINT), CAST(value->>'log_index' AS BIGINT), \
          CAST(value->>'sequence' AS BIGINT) FROM {rows} WHERE true RETURNING serial AS key",
};

/// What one commit takes.
const AT_ONCE: usize = 512;

pub(crate) struct Site {
    pub(crate) certificates: usize,
    folder: tempfile::TempDir,
    running: Option<(Arc<Ca>, Db)>,
}

/// The `n`-th serial number: as scattered as random ones are.
pub(crate) fn serial(n: usize) -> [u8; 16] {
    let mut serial = *aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &n.to_be_bytes())
        .as_ref()
        .first_chunk::<16>()
        .unwrap();
    serial[0] = serial[0] & 0x7f | 0x40;
    serial
}

impl Site {
    pub(crate) async fn new(certificates: usize) -> Self {
        let mut site = Self { certificates, folder: tempfile::tempdir().unwrap(), running: None };
        site.open().await;
        site
    }

    pub(crate) fn ca(&self) -> &Arc<Ca> {
        &self.running.as_ref().unwrap().0
    }

    /// Again, if it is open. Tells how long the authority took.
    pub(crate) async fn open(&mut self) -> Duration {
        self.close().await;
        let db = Db::open_sqlite(&self.folder.path().join("muster.db")).await.unwrap();
        let mut settings = Settings::new(self.folder.path());
        settings.base_url = Some(BaseUrl::parse("http://127.0.0.1:8080").unwrap());
        let entropy: Entropy = Arc::new(|bytes| aws_lc_rs::rand::fill(bytes).unwrap());
        let began = Instant::now();
        let ca = Ca::open(settings, db.clone(), entropy, Timestamp::now()).await.unwrap();
        let took = began.elapsed();
        self.running = Some((ca, db));
        took
    }

    async fn close(&mut self) {
        if let Some((ca, db)) = self.running.take() {
            ca.close(Timestamp::now()).await;
            db.close().await;
        }
    }

    /// Each with its audit entry, its leaf and its bytes in the log, as issuing leaves them.
    pub(crate) async fn fill(&mut self) {
        self.close().await;
        let db = Db::open_sqlite(&self.folder.path().join("muster.db")).await.unwrap();
        let log = Log::open(&db).await.unwrap();
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::default().self_signed(&key).unwrap();
        let certificate = Certificate::parse(certificate.der()).unwrap();
        let now = Timestamp::now();
        let not_after = now + SignedDuration::from_hours(24 * 365);
        for first in (0..self.certificates).step_by(AT_ONCE) {
            let some = (first..self.certificates.min(first + AT_ONCE)).map(|n| {
                let (holder, serial) = (format!("device-{n}"), hex::encode(serial(n)));
                let object = format!("certificate/{serial}");
                let entry =
                    Entry::new(&Caller::process(), Action::CertificateIssue, object, Decision::Allowed);
                let row = json!({
                    "serial": serial,
                    "subject": format!("CN={holder}"),
                    "holder": holder,
                    "not_after": not_after.as_microsecond(),
                    "recorded": now.as_microsecond(),
                });
                log.append(Record::new(entry, now).certificate(&certificate).row(&ISSUED, &row))
            });
            for recorded in join_all(some).await {
                recorded.unwrap();
            }
        }
        log.close().await;
        db.close().await;
    }
}
