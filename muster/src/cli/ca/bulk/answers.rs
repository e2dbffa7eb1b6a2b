//! The output: answers as lines, appended, and read again to go on.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

use crate::cli::failure::Failure;

/// Where answers go.
pub(super) struct Answers {
    name: PathBuf,
    writer: BufWriter<Box<dyn Write>>,
}

/// What tells that a request is answered.
#[derive(Deserialize)]
struct Answered {
    id: String,
    outcome: String,
}

/// Refusals that are none: the same request is answered when it is asked again.
pub(super) fn is_for_later(answer: &Value) -> bool {
    ["InProgress", "TooFast", "Unavailable"].iter().any(|code| answer["errorCode"] == *code)
}

impl Answers {
    /// With the ids that are answered in it. A line that a killed run did not finish is taken back.
    pub(super) fn open(path: Option<&Path>, retry_refused: bool) -> Result<(Self, HashSet<String>), Failure> {
        let Some(path) = path else {
            let writer: Box<dyn Write> = Box::new(io::stdout());
            let name = PathBuf::from("standard output");
            return Ok((Self { name, writer: BufWriter::new(writer) }, HashSet::new()));
        };
        let unusable = |error: io::Error| Failure::new(format!("cannot write `{}`: {error}", path.display()));
        let options = File::options().create(true).read(true).write(true).truncate(false).clone();
        let mut file = options.open(path).map_err(unusable)?;
        let (answered, whole) = read(&mut file, retry_refused).map_err(unusable)?.map_err(|line| {
            Failure::new(format!("`{}` has a line {line} that is no answer", path.display()))
                .fix("name the file of an earlier run, or one that is not there yet")
        })?;
        file.set_len(whole).and_then(|()| file.seek(SeekFrom::End(0))).map_err(unusable)?;
        let writer: Box<dyn Write> = Box::new(file);
        Ok((Self { name: path.to_owned(), writer: BufWriter::new(writer) }, answered))
    }

    pub(super) fn write(&mut self, answer: &Value) -> Result<(), Failure> {
        let written = writeln!(self.writer, "{answer}");
        written.map_err(|error| self.unwritten(&error))
    }

    /// What is flushed is not asked for again.
    pub(super) fn flush(&mut self) -> Result<(), Failure> {
        self.writer.flush().map_err(|error| self.unwritten(&error))
    }

    fn unwritten(&self, error: &io::Error) -> Failure {
        Failure::new(format!("cannot write `{}`: {error}", self.name.display()))
    }
}

/// The ids that are answered, and how many bytes are whole lines; or the number of a line that is none of ours.
fn read(file: &mut File, retry_refused: bool) -> io::Result<Result<(HashSet<String>, u64), usize>> {
    let mut reader = BufReader::new(file);
    let (mut answered, mut whole) = (HashSet::new(), 0);
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        let bytes = reader.read_until(b'\n', &mut line)?;
        if bytes == 0 || (line.last() != Some(&b'\n') && line.starts_with(b"{")) {
            break;
        }
        let Ok(Answered { id, outcome }) = serde_json::from_slice(&line) else { return Ok(Err(number)) };
        whole += bytes as u64;
        if !(retry_refused && outcome == "refused") {
            answered.insert(id);
        }
    }
    Ok(Ok((answered, whole)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn answer(id: &str, outcome: &str) -> Value {
        json!({ "line": 1, "id": id, "outcome": outcome })
    }

    #[test]
    fn a_killed_run_leaves_whole_lines_and_one_that_is_taken_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.jsonl");
        let (mut answers, before) = Answers::open(Some(&path), false).unwrap();
        assert!(before.is_empty());
        for (id, outcome) in [("a", "issued"), ("b", "refused"), ("c", "repeated")] {
            answers.write(&answer(id, outcome)).unwrap();
        }
        answers.flush().unwrap();
        drop(answers);
        let whole = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, format!("{whole}{{\"id\":\"d\",\"outc")).unwrap();
        let ids = |retry| {
            let mut ids: Vec<_> = Answers::open(Some(&path), retry).unwrap().1.into_iter().collect();
            ids.sort_unstable();
            ids
        };
        assert_eq!(ids(false), ["a", "b", "c"]);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), whole);
        assert_eq!(ids(true), ["a", "c"]);
    }

    #[test]
    fn a_file_of_something_else_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("letter.txt");
        for text in ["Dear reader", "Dear reader\n", "{\"id\":\"a\"}\n"] {
            std::fs::write(&path, text).unwrap();
            assert!(Answers::open(Some(&path), false).is_err(), "{text}");
            assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
        }
    }
}
