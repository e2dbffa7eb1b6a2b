//! The question put to the enrollments as they are now.

use jiff::Timestamp;
use muster_identity::RegistrationId;
use muster_x509::{Certificate, read_certificates};

use super::{
    ExplainError, Explanation, Question,
    judge::{Case, judge},
};
use crate::{
    Dps,
    enrollment::{EnrollmentKind, Invalid, ReadError},
};

impl Dps {
    pub(crate) async fn explain(
        &self,
        question: &Question,
        now: Timestamp,
    ) -> Result<Explanation, ExplainError> {
        let invalid = |field: &str, problem: &dyn std::fmt::Display| Invalid {
            field: field.to_owned(),
            problem: problem.to_string(),
        };
        let id = RegistrationId::parse(&question.registration_id)
            .map_err(|error| invalid("registrationId", &error))?;
        let mut chain: Vec<Certificate> = Vec::new();
        for text in &question.certificate_chain {
            let read = read_certificates(text).map_err(|error| invalid("certificateChain", &error))?;
            chain.extend(read);
        }
        let individual = match self.enrollment(EnrollmentKind::Individual, &id).await {
            Ok(individual) => Some(individual),
            Err(ReadError::NotFound { .. }) => None,
            Err(ReadError::Store(error)) => return Err(error.into()),
        };
        let groups = self.reload_groups().await?;
        Ok(judge(Case { scope: &self.settings.id_scope, id: &id, chain: &chain, now }, individual, &groups))
    }
}
