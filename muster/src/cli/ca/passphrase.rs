//! `muster ca passphrase`: what the keys are sealed under, changed on the machine that has them.

use std::io::IsTerminal;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf, absolute};

use aws_lc_rs::constant_time::verify_slices_are_equal;
use clap::{Args, Subcommand};
use console::Term;
use serde_json::json;
use zeroize::Zeroizing;

use muster_ca::{
    Caller, Credential, KeyError, PassphraseChange, PassphraseChangeError, PassphraseGiven, PassphraseSource,
    passphrase_opens,
};

use crate::cli::failure::Failure;
use crate::cli::show;
use crate::cli::target::DataArgs;
use crate::config::Config;
use crate::listen::now;
use crate::{entropy, start};

/// As systemd names it, and `LoadCredential=`.
const CREDENTIAL: &str = "muster-ca-passphrase";

#[derive(Args, Debug)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand, Debug)]
enum Action {
    /// Seal the keys under another passphrase
    Change(Change),
}

#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    muster ca passphrase change                                 # asks for the new one, twice\n  \
    muster ca passphrase change --new-file /etc/muster/passphrase.new\n  \
    muster ca passphrase change --old-file old --new-env NEW_PASSPHRASE\n  \
    muster ca passphrase change --random                        # a try-out's, kept in the data folder\n\
    \nIt works on the data folder, on the machine that has it. A server that runs goes on; its next\n\
    start needs the new passphrase. Only the seal is made anew, no key is: killed at any moment, the\n\
    old passphrase opens the keys or the new one. Who has an old copy of the folder and the old\n\
    passphrase has the keys still. A PKCS#11 token has a PIN instead: change it with its own tools.")]
struct Change {
    #[command(flatten)]
    data: DataArgs,
    /// The server's configuration: where it has the passphrase, and its database
    #[arg(long, short, value_name = "FILE", env = "MUSTER_CONFIG")]
    config: Option<PathBuf>,
    #[command(flatten)]
    old: Old,
    #[command(flatten)]
    new: New,
    /// Print JSON
    #[arg(long, help_heading = "Output")]
    json: bool,
}

#[derive(Args, Debug)]
#[group(multiple = false)]
#[command(next_help_heading = "The passphrase so far [default: where the configuration says]")]
struct Old {
    /// In this file
    #[arg(long, value_name = "FILE")]
    old_file: Option<PathBuf>,
    /// In this environment variable
    #[arg(long, value_name = "NAME")]
    old_env: Option<String>,
}

#[derive(Args, Debug)]
#[group(multiple = false)]
#[command(next_help_heading = "The new passphrase [default: asked for on the terminal]")]
struct New {
    /// In this file: a line of 12 characters at least
    #[arg(long, value_name = "FILE")]
    new_file: Option<PathBuf>,
    /// In this environment variable
    #[arg(long, value_name = "NAME")]
    new_env: Option<String>,
    /// The systemd credential `muster-ca-passphrase`
    #[arg(long)]
    new_credential: bool,
    /// A random one, kept beside the keys: good for a try-out
    #[arg(long)]
    random: bool,
}

pub(crate) async fn run(arguments: Arguments) -> Result<(), Failure> {
    let Action::Change(arguments) = arguments.action;
    let Change { data, config, old, new, json } = arguments;
    let data = data.data;
    let config = match &config {
        Some(file) => {
            Config::load(file).map_err(|error| Failure::new(format!("{}: {error}", file.display())))?
        }
        None => Config::default(),
    };
    let settings = &config.ca.passphrase;
    let opens = passphrase_opens(&data, settings).map_err(|error| failure(&error))?;
    let old = old.given(settings, opens)?;
    let new = new.given()?;
    let place = new.to_string();

    let db = start::open_database(&config, &data.join(start::DATABASE)).await.map_err(Failure::new)?;
    let change = PassphraseChange { dir: data.clone(), old, new };
    let changed = change.carry_out(&db, entropy::system(), &local_user(), now()).await;
    db.close().await;
    changed.map_err(|error| match &error {
        PassphraseChangeError::Key(error) => failure(error),
        PassphraseChangeError::Log(_) | PassphraseChangeError::Record(_) => Failure::new(&error),
    })?;

    let found = passphrase_opens(&data, settings).map_err(|error| failure(&error))?;
    let settings = PassphraseGiven::At(settings.clone()).to_string();
    if json {
        show::json(&json!({
            "changed": true,
            "newPassphrase": place,
            "configured": settings,
            "nextStartFindsIt": found,
        }));
        return Ok(());
    }
    show::facts(&[
        ("passphrase", "changed".to_owned()),
        ("now", place),
        ("next start", if found { "finds it".to_owned() } else { "does not find it yet".to_owned() }),
    ]);
    if !found {
        show::line(format_args!(
            "\nBefore the next start, put it where the configuration says ({settings}),\n\
             or change that: `ca.passphrase_file` or `ca.passphrase_env`, see `muster config example`.",
        ));
    }
    Ok(())
}

impl Old {
    fn given(self, settings: &PassphraseSource, opens: bool) -> Result<PassphraseGiven, Failure> {
        let source = match (self.old_file, self.old_env) {
            (Some(file), _) => PassphraseSource::File(rooted(&file)?),
            (None, Some(name)) => PassphraseSource::Environment(name),
            // What is configured is not there, or is the new one already; whoever sits here may know the old one.
            (None, None) if !opens && is_interactive() => {
                return Ok(PassphraseGiven::Typed(ask("Passphrase so far: ")?));
            }
            (None, None) => settings.clone(),
        };
        Ok(PassphraseGiven::At(source))
    }
}

impl New {
    fn given(self) -> Result<PassphraseGiven, Failure> {
        let given_by_systemd = credential();
        let source = match (self.new_file, self.new_env) {
            (Some(file), _) => PassphraseSource::File(rooted(&file)?),
            (None, Some(name)) => PassphraseSource::Environment(name),
            (None, None) if self.new_credential => PassphraseSource::File(given_by_systemd.ok_or_else(|| {
                Failure::new(format!("systemd gave no credential `{CREDENTIAL}`"))
                    .fix(format!("systemd-run --pty -p LoadCredential={CREDENTIAL}:FILE muster ca passphrase change --new-credential …"))
            })?),
            (None, None) if self.random => match given_by_systemd {
                None => PassphraseSource::Automatic,
                Some(_) => {
                    return Err(Failure::new(format!(
                        "there is a credential `{CREDENTIAL}`, which a start takes before a random passphrase"
                    ))
                    .fix("--new-credential, or run it without the credential"));
                }
            },
            (None, None) if is_interactive() => {
                let typed = ask("New passphrase: ")?;
                let again = ask("The same again: ")?;
                if verify_slices_are_equal(typed.as_bytes(), again.as_bytes()).is_err() {
                    return Err(Failure::new("the two are not the same, nothing is changed").fix("type it again"));
                }
                return Ok(PassphraseGiven::Typed(typed));
            }
            (None, None) => {
                return Err(Failure::new("there is no new passphrase, and no terminal to ask for it")
                    .fix("--new-file, --new-env, --new-credential or --random"));
            }
        };
        Ok(PassphraseGiven::At(source))
    }
}

/// As the audit log and a later start have it, whatever the working directory was.
fn rooted(file: &Path) -> Result<PathBuf, Failure> {
    absolute(file).map_err(|error| Failure::new(format!("`{}`: {error}", file.display())))
}

fn credential() -> Option<PathBuf> {
    let path = Path::new(&std::env::var_os("CREDENTIALS_DIRECTORY")?).join(CREDENTIAL);
    path.is_file().then_some(path)
}

fn is_interactive() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// Not shown while it is typed.
fn ask(prompt: &str) -> Result<Zeroizing<String>, Failure> {
    let terminal = Term::stderr();
    let asked = terminal.write_str(prompt).and_then(|()| terminal.read_secure_line());
    asked.map(Zeroizing::new).map_err(|error| Failure::new(format!("cannot read the passphrase: {error}")))
}

/// Nobody signs in to a folder: who may write to it is the machine's to say.
fn local_user() -> Caller {
    let uid =
        std::fs::metadata("/proc/self").map_or_else(|_| "unknown".to_owned(), |it| it.uid().to_string());
    Caller { name: format!("local user {uid}"), credential: Credential::Process, from: None }
}

fn failure(error: &KeyError) -> Failure {
    let failure = Failure::new(error);
    match error {
        KeyError::WrongPassphrase { .. } | KeyError::PassphraseMissing => {
            failure.fix("give the passphrase so far with --old-file or --old-env")
        }
        _ => failure,
    }
}
