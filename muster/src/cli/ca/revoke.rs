//! `muster ca revoke`, `muster ca barred`, `muster ca readmit`.

use clap::{Args, ValueEnum};
use http::Method;
use serde_json::{Value, json};

use super::certificate::Named;
use super::get;
use crate::cli::failure::{Failure, expect_json};
use crate::cli::show;
use crate::cli::target::Target;
use crate::client::{Call, segment};

#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    muster ca revoke pump-7.pem --reason keyCompromise\n  \
    muster ca revoke 4a00112233445566778899aabbccddee --reason cessationOfOperation\n  \
    muster ca revoke --holder pump-7 --reason privilegeWithdrawn   # and it gets nothing more\n  \
    muster ca revoke --holder pump-7 --reason superseded           # and may ask for another\n  \
    muster ca revoke --authority line-4 --reason cACompromise      # with everything below it\n\
    \nIt is for good and in force at once: devices that are connected with it are cut.")]
pub(crate) struct Revoke {
    /// A certificate: a file, or its serial number
    #[arg(required_unless_present_any = ["holder", "authority"], conflicts_with_all = ["holder", "authority"])]
    certificate: Option<String>,
    /// Everything issued to this holder
    #[arg(long, value_name = "NAME", conflicts_with = "authority")]
    holder: Option<String>,
    /// An authority, with everything that it issued
    #[arg(long, value_name = "ID")]
    authority: Option<String>,
    /// Why (RFC 5280)
    #[arg(long, value_enum, ignore_case = true, default_value = "unspecified")]
    reason: Reason,
    #[command(flatten)]
    target: Target,
}

#[derive(ValueEnum, Debug, Clone, Copy)]
#[value(rename_all = "camelCase")]
enum Reason {
    Unspecified,
    KeyCompromise,
    #[value(name = "cACompromise")]
    CaCompromise,
    AffiliationChanged,
    Superseded,
    CessationOfOperation,
    PrivilegeWithdrawn,
}

#[derive(Args, Debug)]
#[command(after_help = "Example:\n  muster ca readmit pump-7\n\
    \nWhat was revoked stays revoked: the holder may ask for new certificates.")]
pub(crate) struct Readmit {
    /// The holder
    holder: String,
    #[command(flatten)]
    target: Target,
}

#[derive(Args, Debug)]
#[command(after_help = "Example:\n  muster ca barred\n\
    \nHolders that were revoked for more than `superseded`: they get no certificate, and their\n\
    devices do not register.")]
pub(crate) struct Barred {
    #[command(flatten)]
    target: Target,
}

pub(crate) async fn revoke(arguments: Revoke) -> Result<(), Failure> {
    let Revoke { certificate, holder, authority, reason, target } = arguments;
    let reason = reason.to_possible_value().map(|it| it.get_name().to_owned());
    let named = certificate.as_deref().map(Named::read).transpose()?;
    let serial = named.map(|named| named.own_serial()).transpose()?;
    let given = [("serial", serial), ("holder", holder), ("authority", authority), ("reason", reason)];
    let body: Value =
        given.into_iter().filter_map(|(name, value)| Some((name.to_owned(), json!(value?)))).collect();
    let call = Call::new(Method::POST, "/ca/revoke").body(body);
    let revoked = expect_json(target.ca()?.call(&call).await?)?;
    if target.json {
        show::json(&revoked);
        return Ok(());
    }
    let what = match (revoked["serial"].as_str(), revoked["holder"].as_str()) {
        (Some(serial), _) => format!("certificate `{serial}`"),
        (None, Some(holder)) => format!("everything issued to `{holder}`"),
        (None, None) => format!("authority `{}`", show::text(&revoked["authority"])),
    };
    show::line(format_args!(
        "revoked {what} since {}, {}",
        show::instant(&revoked["at"]),
        show::text(&revoked["reason"])
    ));
    Ok(())
}

pub(crate) async fn barred(Barred { target }: Barred) -> Result<(), Failure> {
    let all = get(&target.ca()?, "/ca/bars").await?;
    if target.json {
        show::json(&all);
        return Ok(());
    }
    let row =
        |bar: &Value| vec![show::text(&bar["holder"]), show::instant(&bar["at"]), show::text(&bar["reason"])];
    let rows = all.as_array().into_iter().flatten().map(row).collect();
    show::table(&["HOLDER", "SINCE", "WHY"], rows, "nobody is barred");
    Ok(())
}

pub(crate) async fn readmit(Readmit { holder, target }: Readmit) -> Result<(), Failure> {
    let call = Call::new(Method::DELETE, format!("/ca/bars/{}", segment(&holder)));
    let bar = expect_json(target.ca()?.call(&call).await?)?;
    match target.json {
        true => show::json(&bar),
        false => show::line(format_args!(
            "readmitted `{holder}`, barred since {}: {}",
            show::instant(&bar["at"]),
            show::text(&bar["reason"])
        )),
    }
    Ok(())
}
