//! What an entry of the audit log is about, read anew.

use muster_store::{Db, StoreError};

use crate::{
    caller::Grants,
    est::{
        Est,
        credential::EstCredential,
        service::Book,
        sql::{self, Unreadable},
    },
};

impl Est {
    /// `object` is `est/label/NAME` or `est/credential/USER`. What cannot be read is nobody's.
    pub(crate) async fn hear(&self, object: &str, db: &Db, grants: &Grants) -> Result<(), StoreError> {
        let _changing = self.changing.lock().await;
        if let Some(name) = object.strip_prefix("est/label/") {
            let theirs = sql::credentials_of(db, name).await?;
            self.hear_label(name, db, grants).await?;
            self.change(|book| {
                for gone in book.of_label(name) {
                    book.remove_credential(&gone.user, grants);
                }
                theirs.into_iter().for_each(|credential| book.put_heard(credential, grants));
            });
        }
        if let Some(user) = object.strip_prefix("est/credential/") {
            let read = sql::credential_named(db, user).await?;
            if let Some(Ok(credential)) = &read {
                // It was made with its first credential, perhaps.
                self.hear_label(&credential.label, db, grants).await?;
            }
            self.change(|book| {
                book.remove_credential(user, grants);
                read.into_iter().for_each(|credential| book.put_heard(credential, grants));
            });
        }
        Ok(())
    }

    async fn hear_label(&self, name: &str, db: &Db, grants: &Grants) -> Result<(), StoreError> {
        let body = sql::label(db, name).await?;
        let label = body.and_then(|body| serde_json::from_str(&body).ok());
        self.change(|book| match label {
            Some(label) if book.has(&label) => {}
            Some(label) => {
                let theirs = book.of_label(name);
                book.put_label(label, grants);
                // They ask for what it gives from now on.
                theirs.into_iter().for_each(|credential| book.put_credential(credential, grants));
            }
            None => book.remove_label(name, grants),
        });
        Ok(())
    }
}

impl Book {
    pub(in crate::est) fn put_heard(&mut self, read: Result<EstCredential, Unreadable>, grants: &Grants) {
        match read {
            Ok(credential) => self.put_credential(credential, grants),
            Err(Unreadable(user)) => {
                tracing::warn!(user, "EST credential cannot be read, so nobody has it");
            }
        }
    }
}
