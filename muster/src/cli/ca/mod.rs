//! `muster ca`: the certificate authority, for those who answer for it.

mod audit;
mod authority;
mod bulk;
mod certificate;
mod crls;
mod est;
mod grant;
mod inspect;
mod issued;
mod key;
mod list;
mod passphrase;
mod profile;
mod prove;
mod renew;
mod revoke;
mod sign;
mod tree;

use clap::{Args, Subcommand};
use http::Method;
use serde_json::Value;

use super::failure::{Failure, expect_json};
use crate::client::{Call, Client};

#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    muster ca tree                                        # the authorities, and which run out soon\n  \
    muster ca sign pump-7.csr --out pump-7.pem --chain    # a certificate for a request\n  \
    muster ca revoke pump-7.pem --reason keyCompromise    # for good, and at once\n  \
    muster ca audit verify                                # nothing was changed, nothing is missing")]
pub(crate) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand, Debug)]
enum Action {
    /// Draw the authorities
    Tree(tree::Arguments),
    /// Sign a request
    Sign(Box<sign::Arguments>),
    /// Give another certificate for the identity of one
    Renew(renew::Arguments),
    /// Revoke a certificate, all that a holder has, or an authority: for good
    Revoke(revoke::Revoke),
    /// Let a revoked holder have certificates again
    Readmit(revoke::Readmit),
    /// Show who gets no certificate any more
    Barred(revoke::Barred),
    /// Show the revocation lists
    Crls(crls::Arguments),
    /// Show what was issued
    #[command(visible_alias = "ls")]
    List(list::Arguments),
    /// Show all that is known of a certificate
    #[command(visible_alias = "show")]
    Inspect(inspect::Arguments),
    /// Sign many requests, from a file
    Bulk(bulk::Arguments),
    /// What certificates may say
    Profile(profile::Arguments),
    /// Who may ask for which certificates
    Grant(grant::Arguments),
    /// Enrollment over secure transport: labels and credentials
    Est(est::Arguments),
    /// Make, renew and retire authorities
    Authority(authority::Arguments),
    /// Keys that get no certificate
    Key(key::Arguments),
    /// What the keys are sealed under
    Passphrase(Box<passphrase::Arguments>),
    /// Every decision, in a log that cannot be changed unseen
    Audit(audit::Arguments),
    /// Prove that a certificate is in the transparency log
    Prove(prove::Arguments),
}

pub(crate) async fn run(arguments: Arguments) -> Result<(), Failure> {
    match arguments.action {
        Action::Tree(arguments) => tree::run(arguments).await,
        Action::Sign(arguments) => Box::pin(sign::run(*arguments)).await,
        Action::Renew(arguments) => Box::pin(renew::run(arguments)).await,
        Action::Revoke(arguments) => revoke::revoke(arguments).await,
        Action::Readmit(arguments) => revoke::readmit(arguments).await,
        Action::Barred(arguments) => revoke::barred(arguments).await,
        Action::Crls(arguments) => crls::run(arguments).await,
        Action::List(arguments) => list::run(arguments).await,
        Action::Inspect(arguments) => inspect::run(arguments).await,
        Action::Bulk(arguments) => Box::pin(bulk::run(arguments)).await,
        Action::Profile(arguments) => profile::run(arguments).await,
        Action::Grant(arguments) => grant::run(arguments).await,
        Action::Est(arguments) => est::run(arguments).await,
        Action::Authority(arguments) => Box::pin(authority::run(arguments)).await,
        Action::Key(arguments) => key::run(arguments).await,
        Action::Passphrase(arguments) => Box::pin(passphrase::run(*arguments)).await,
        Action::Audit(arguments) => Box::pin(audit::run(arguments)).await,
        Action::Prove(arguments) => prove::run(arguments).await,
    }
}

async fn get(client: &Client, path: impl Into<String>) -> Result<Value, Failure> {
    expect_json(client.call(&Call::new(Method::GET, path)).await?)
}
