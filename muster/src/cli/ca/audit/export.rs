//! Both logs into a file, as they come.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use http::Method;
use serde_json::json;

use crate::cli::failure::{Failure, expect};
use crate::cli::show;
use crate::client::{Call, Client};

pub(super) async fn run(client: &Client, out: Option<&Path>, json: bool) -> Result<(), Failure> {
    let call = Call::new(Method::GET, "/ca/audit/export");
    let Some(out) = out else {
        let mut sink = |part: &[u8]| io::stdout().lock().write_all(part);
        expect(client.stream(&call, &mut sink).await?)?;
        return io::stdout().flush().map_err(|error| unwritten(Path::new("standard output"), &error));
    };
    // What was cut off does not get the name that was asked for.
    let mut partial = out.as_os_str().to_owned();
    partial.push(".part");
    let partial = Path::new(&partial);
    let file = File::create(partial).map_err(|error| unwritten(partial, &error))?;
    let (mut writer, mut bytes) = (BufWriter::new(file), 0);
    let mut sink = |part: &[u8]| {
        bytes += part.len();
        writer.write_all(part)
    };
    expect(client.stream(&call, &mut sink).await?)?;
    let written =
        writer.into_inner().map_err(io::IntoInnerError::into_error).and_then(|file| file.sync_all());
    written.and_then(|()| std::fs::rename(partial, out)).map_err(|error| unwritten(out, &error))?;
    match json {
        true => show::json(&json!({ "file": out, "bytes": bytes })),
        false => show::line(format_args!(
            "wrote {bytes} bytes to {}; verify it with `muster ca audit verify --export {}`",
            out.display(),
            out.display()
        )),
    }
    Ok(())
}

fn unwritten(path: &Path, error: &io::Error) -> Failure {
    Failure::new(format!("cannot write `{}`: {error}", path.display()))
}
