//! SQL of news.

use muster_store::{Db, StoreError, Value};

use super::Recipient;
use crate::issuance::{CertificateReadError, Stored, sql::stored};

/// In order of the log, so that its index is used however many holders there are.
const RECIPIENTS: &str = "SELECT holder, common_name FROM ca_certificate \
     WHERE log_index >= $1 AND log_index < $2 AND holder IS NOT NULL ORDER BY log_index";

/// From the end of what the holder has, so that it is found at once however much that is.
const NEWEST: &str = "SELECT c.*, l.certificate FROM ca_certificate c \
     JOIN ca_log_certificate l ON l.log_index = c.log_index \
     WHERE c.holder = $1 AND c.log_index IS NOT NULL AND $2 LIKE '%,' || c.profile || ',%' \
     ORDER BY c.log_index DESC LIMIT 1";

/// One for each certificate with a log index from `from` on and before `to`.
pub(super) async fn recipients(db: &Db, from: u64, to: u64) -> Result<Vec<Recipient>, StoreError> {
    let number = |value: u64| Value::Int(i64::try_from(value).unwrap_or(i64::MAX));
    let rows = db.fetch(RECIPIENTS, &[number(from), number(to)]).await?;
    let recipients = rows.iter().map(|row| {
        let common_name = row.opt_text("common_name")?.map(str::to_owned);
        Ok(Recipient { holder: row.text("holder")?.to_owned(), common_name })
    });
    recipients.collect()
}

/// `profiles` are names, which have neither commas nor what a pattern would take for anything.
pub(super) async fn newest(
    db: &Db,
    holder: &str,
    profiles: &[&str],
) -> Result<Option<Stored>, CertificateReadError> {
    let list = format!(",{},", profiles.join(","));
    let rows = db.fetch(NEWEST, &[holder.into(), list.into()]).await?;
    rows.first().map(stored).transpose()
}
