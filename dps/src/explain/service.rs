//! The question put to the enrollments as they are now.

use jiff::Timestamp;
use muster_identity::RegistrationId;
use muster_x509::{Certificate, read_certificates};

use super::{
    ExplainError, Explanation, Question, Verdict,
    judge::{Case, judge},
};
use crate::{
    Dps,
    enrollment::{EnrollmentKind, Invalid, ReadError},
    trace::Steps,
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
        let case = Case { scope: &self.settings.id_scope, id: &id, chain: &chain, now };
        Ok(self.unless_revoked(judge(case, individual, &groups), case))
    }

    /// What the authority has taken back comes before what enrollments say.
    fn unless_revoked(&self, explanation: Explanation, case: Case<'_>) -> Explanation {
        let chain: Vec<_> = case.chain.iter().map(|certificate| certificate.der().to_vec()).collect();
        if let Err(rejected) = self.not_revoked(&chain, case.now, &mut Steps::new(case.now)) {
            return Explanation { verdict: Verdict::Refused, summary: rejected.to_string(), ..explanation };
        }
        match (explanation.verdict, self.bar(case.id)) {
            (Verdict::Admitted | Verdict::DependsOnKey, Some(bar)) => {
                let summary = format!(
                    "the device is barred since {} ({}): let it in again with `muster ca readmit {}`",
                    bar.at,
                    bar.reason,
                    case.id.folded()
                );
                Explanation { verdict: Verdict::Disabled, summary, ..explanation }
            }
            _ => explanation,
        }
    }
}
