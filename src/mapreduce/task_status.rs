//! The status with which the call of a task ends, and what the master reads from it.
//!
//! A [`Fault`] becomes a status code and trailing metadata; the master turns them into a [`Cause`].

use super::contract::{COLUMN, INPUT_MISMATCH, LOST, NEEDS_SPLIT, RECORD};
use super::job::Fault;
use super::scheduler::{Cause, Loss};
use crate::call::{Code, Metadata, Status};

/// The status with which the call of a task ends.
pub fn status_of(fault: &Fault) -> Status {
    let code = match fault {
        Fault::Cancelled => Code::Cancelled,
        Fault::Declined(_) => Code::Unavailable,
        Fault::MissingResource(_) | Fault::MissingInput(_) => Code::FailedPrecondition,
        Fault::Crashed { .. } => Code::Aborted,
        Fault::BadRecord { .. } | Fault::Permanent(_) | Fault::InputMismatch(_) => {
            Code::InvalidArgument
        }
    };
    let (reason, record, column) = match fault {
        Fault::BadRecord { offset, column, reason } => {
            (reason.clone(), Some(*offset), Some(*column))
        }
        Fault::Crashed { reason, record } => (reason.clone(), *record, None),
        other => (other.to_string(), None, None),
    };
    let mut status = Status::new(code, reason);
    let needs = matches!(fault, Fault::MissingInput(_)).then_some(1);
    let other = matches!(fault, Fault::InputMismatch(_)).then_some(1);
    let fields =
        [(RECORD, record), (COLUMN, column), (NEEDS_SPLIT, needs), (INPUT_MISMATCH, other)];
    for (name, value) in fields {
        if let Some(value) = value {
            // Digits are valid metadata.
            let _ = status.metadata.insert(name, value.to_string().as_bytes());
        }
    }
    status
}

/// The cause of a failure, from the status of the call.
pub fn cause_of(status: &Status) -> Cause {
    match status.code {
        Code::FailedPrecondition => Cause::MissingResource,
        Code::Aborted => Cause::Job { record: number(&status.metadata, RECORD) },
        Code::InvalidArgument | Code::Unimplemented | Code::OutOfRange => Cause::Permanent,
        _ => Cause::Worker,
    }
}

/// Whether a map task failed because its input is missing on the worker.
pub fn needs_split(status: &Status) -> bool {
    status.code == Code::FailedPrecondition && status.metadata.get(NEEDS_SPLIT).is_some()
}

/// Whether a map task failed because its input differs from the master's.
pub fn has_input_mismatch(status: &Status) -> bool {
    status.metadata.get(INPUT_MISMATCH).is_some()
}

/// Offset of the line and column of an invalid record.
pub fn bad_record(status: &Status) -> Option<(u64, u64)> {
    let place = (number(&status.metadata, RECORD)?, number(&status.metadata, COLUMN)?);
    (status.code == Code::InvalidArgument).then_some(place)
}

fn number(metadata: &Metadata, name: &str) -> Option<u64> {
    metadata.get(name).and_then(crate::text::parse_u64)
}

/// The status of a reduce task that could not fetch these outputs: map task, attempt, reason.
pub fn lost_status(reason: String, lost: &[(u32, u64, Loss)]) -> Status {
    let mut status = Status::new(Code::Unavailable, reason);
    for (task, attempt, loss) in lost {
        let why = match loss {
            Loss::Missing => "missing",
            Loss::Unreachable => "unreachable",
        };
        let value = format!("{task} {attempt} {why}");
        let _ = status.metadata.append(LOST.as_bytes(), value.as_bytes());
    }
    status
}

/// The outputs named by [`lost_status`]. Invalid entries are ignored.
pub fn lost_outputs(status: &Status) -> Vec<(u32, u64, Loss)> {
    let lost = |value: &[u8]| {
        let mut words = std::str::from_utf8(value).ok()?.split(' ');
        let task = words.next()?.parse().ok()?;
        let attempt = words.next()?.parse().ok()?;
        let loss = match words.next()? {
            "missing" => Loss::Missing,
            "unreachable" => Loss::Unreachable,
            _ => return None,
        };
        Some((task, attempt, loss))
    };
    status.metadata.get_all(LOST).filter_map(lost).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_survives_encoding() {
        let record = Fault::BadRecord { offset: 7, column: 3, reason: "no number".into() };
        let status = status_of(&record);
        assert_eq!((status.code, status.message.as_str()), (Code::InvalidArgument, "no number"));
        assert_eq!(bad_record(&status), Some((7, 3)));
        assert_eq!(cause_of(&status), Cause::Permanent);
        let crash = Fault::Crashed { reason: "exit status 1".into(), record: Some(5) };
        assert_eq!(cause_of(&status_of(&crash)), Cause::Job { record: Some(5) });
        assert_eq!(
            cause_of(&status_of(&Fault::MissingResource("no room".into()))),
            Cause::MissingResource
        );
        assert_eq!(cause_of(&status_of(&Fault::Declined("no".into()))), Cause::Worker);
    }

    #[test]
    fn an_input_mismatch_survives_encoding() {
        let status = status_of(&Fault::InputMismatch("a.txt: it has 3 bytes here".into()));
        assert!(has_input_mismatch(&status) && !needs_split(&status));
        assert_eq!(cause_of(&status), Cause::Permanent);
        let status = status_of(&Fault::MissingInput("no such file".into()));
        assert!(needs_split(&status) && !has_input_mismatch(&status));
    }

    #[test]
    fn lost_outputs_survive_encoding() {
        let lost = [(3, 9, Loss::Missing), (0, u64::MAX, Loss::Unreachable)];
        let status = lost_status("two are lost".into(), &lost);
        assert_eq!(lost_outputs(&status), lost);
        assert_eq!(lost_outputs(&Status::new(Code::Unavailable, "")), []);
    }
}
